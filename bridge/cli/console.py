"""What is printed, and how names from untrusted files are kept from steering the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # rich costs a tenth of a second, which `bridge --help` does not need to pay twice.
    from rich.console import Console
    from rich.text import Text


def output_console() -> "Console":
    """Standard output: results. Tables are not cut when it is a file or a pipe."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def error_console() -> "Console":
    """Standard error: progress and complaints."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def plain(text: str) -> "Text":
    """Text without markup, in which a control character from a model's names is shown instead of obeyed."""
    from rich.text import Text

    return Text(printable(text))


def printable(text: str) -> str:
    """``text`` with everything unprintable but line ends in escaped form."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def size(count: int) -> str:
    """A number of bytes for people: ``9.8 kB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
