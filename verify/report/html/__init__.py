"""The report as one HTML file: nothing is fetched, nothing is run, and everything that comes from outside is text."""

from verify.report.html.page import render_html

__all__ = ["render_html"]
