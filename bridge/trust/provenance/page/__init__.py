"""The chain as one HTML page in the style of the reports: nothing is fetched, nothing is run, and all that claims say is text."""

from bridge.trust.provenance.page.page import render_page

__all__ = ["render_page"]
