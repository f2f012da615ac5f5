"""The report as a page that is complete in itself, in the style of every report's."""
