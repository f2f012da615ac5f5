"""Short results as aligned lines. A table would do the same a tenth of a second later, which is as long as signing takes."""

import typer

from bridge.cli.console import printable


def echo_facts(*facts: tuple[str, str]) -> None:
    """One line per fact: what it is, and the fact, with control characters shown instead of obeyed."""
    width = max(len(name) for name, _ in facts) + 2
    for name, value in facts:
        typer.echo(f"{name:<{width}}{printable(value)}")
