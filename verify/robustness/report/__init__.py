"""The report of a robustness test in every form: JSON, JUnit, SARIF, Markdown and a page."""
