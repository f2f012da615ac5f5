"""The program that converts, as a dependency of its conversions: version, and one digest of the code that ran."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from bridge.trust.provenance.predicates import CONVERTER_ROLE, ROLE
from bridge.trust.provenance.resource import Resource
from bridge.version import __version__

PACKAGES: Final = ("bridge", "verify")


def converter_resource() -> Resource:
    """This program: its digest is that of ``listing``."""
    digest = hashlib.sha256(listing(Path(__file__).parents[3])).hexdigest()
    return Resource(
        name="cntk-bridge",
        uri=f"pkg:pypi/cntk-bridge@{__version__}",
        digest={"sha256": digest},
        annotations={ROLE: CONVERTER_ROLE, "digestOf": "sha256sum of the installed files, see docs/provenance.md"},
    )


@cache
def listing(place: Path) -> bytes:
    """What ``sha256sum`` prints for the installed files in the order of their paths: a digest, two blanks and the path per line.

    The same for a wheel and a checkout of one version. Compiled files are left out: Python makes them from those listed.
    """
    files = sorted(
        path.relative_to(place).as_posix()
        for package in PACKAGES
        for path in (place / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    return b"".join(f"{hashlib.sha256((place / name).read_bytes()).hexdigest()}  {name}\n".encode() for name in files)
