"""docs/tampering.md, written from the attempts: ``python -m tests.trust.tampering.page`` in the root of the repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bridge.errors import BridgeError
from tests.trust.tampering import files, histories, logs, proofs, signatures
from tests.trust.tampering.attempt import ATTEMPTS, Attempt, refused_by
from tests.trust.tampering.scene import make_scene, settled

PAGE = Path(__file__).parents[3] / "docs" / "tampering.md"

MODULES = (files, signatures, histories, proofs, logs)
"""Importing them has registered their attempts."""

_LONGEST = 260

_HEADINGS = {
    "package": "A package, loaded under a policy (`bridge.trust.verified.verify_folder`, `bridge policy explain`)",
    "source": "A source, converted under a policy (`bridge convert --policy`)",
    "log": "A transparency log (`bridge log verify --since`)",
}

_TOP = """# Tampering

What was tried on a signed source, on the package that was converted from it, and on the log of their statements, and what each
attempt is refused with. Every row is run by `tests/trust/tampering`, on a scene of real keys and a real conversion: through the
library, where the rule (or the class of the error) and its sentence are asserted, and through the command, which ends with exit
code 3 and one message. The page is written by `python -m tests.trust.tampering.page`; a test keeps it current. Digests and times
are left out as "…". Names of rules are those of [policy.md](policy.md).
"""


def row(attempt: Attempt, error: BridgeError, folder: Path) -> str:
    """The row of the table for what an attempt was refused with."""
    message = settled(str(error), folder).replace("|", "\\|")
    # A message may begin with what the column before says already.
    if len(message) > _LONGEST:
        message = message[: message.rindex(" ", 0, _LONGEST)] + " …"
    return f"| {attempt.what} | `{refused_by(error)}` | {message} |"


def written_page(rows: dict[str, list[str]]) -> str:
    """The page, from the rows of each subject."""
    count = sum(len(found) for found in rows.values())
    parts = [_TOP, f"{count} attempts, {count} refusals.\n"]
    for subject, heading in _HEADINGS.items():
        table = "\n".join(("| attempt | refused by | message |", "| --- | --- | --- |", *rows[subject]))
        parts.append(f"## {heading}\n\n{table}\n")
    return "\n".join(parts)


def main() -> None:
    """Run all attempts, and write the page."""
    rows: dict[str, list[str]] = {subject: [] for subject in _HEADINGS}
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder) / "scene")
        for number, attempt in enumerate(ATTEMPTS):
            copy = scene.copy_to(Path(folder) / str(number))
            attempt.act(copy)
            rows[attempt.subject].append(row(attempt, attempt.error(copy), copy.folder))
    PAGE.write_text(written_page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
