"""What is installed, as its own metadata tells it. Nothing is imported to find out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bridge.errors import InvalidBundleError
from bridge.trust.integrity.record import RecordedFile, read_record
from bridge.trust.strict_json import JsonLimits, parse

_METADATA_LIMITS = JsonLimits(bytes=1 << 20, values=10_000)


@dataclass(frozen=True, slots=True)
class Installation:
    """An installed distribution. ``root`` is the folder that its files' paths begin in.

    ``record`` is its RECORD, with line ends as Python reads them, ``None`` where it has none; ``source`` is the folder that an
    editable installation runs from.
    """

    name: str
    version: str
    root: Path
    record: bytes | None
    files: tuple[RecordedFile, ...]
    source: Path | None


def find_installations(name: str) -> list[Installation]:
    """The distributions of this name that Python could find, in the order in which it looks: one, unless something is amiss."""
    # A folder that is on the path twice is looked into twice.
    found = {str(_root(distribution)): distribution for distribution in reversed(list(distributions(name=name)))}
    return [_installation(name, distribution) for distribution in reversed(found.values())]


def _root(distribution: Distribution) -> Path:
    return Path(os.path.abspath(str(distribution.locate_file(""))))  # noqa: PTH100 - a link in the path stays one


def _installation(name: str, distribution: Distribution) -> Installation:
    text = distribution.read_text("RECORD")
    record = text.encode() if text is not None else None
    files = read_record(record, what=f"{name}'s RECORD") if record is not None else ()
    return Installation(name, distribution.version, _root(distribution), record, files, _editable_source(distribution))


def _editable_source(distribution: Distribution) -> Path | None:
    """The folder that direct_url.json (PEP 610) names, if the installation is editable."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return None
    value: Any = parse(text.encode(), what="direct_url.json", limits=_METADATA_LIMITS)
    info = value.get("dir_info") if isinstance(value, dict) else None
    if not isinstance(info, dict) or info.get("editable") is not True:
        return None
    url = urlsplit(str(value.get("url", "")))
    if url.scheme != "file":
        raise InvalidBundleError("an editable installation from elsewhere than a folder", field="direct_url.json, url")
    return Path(unquote(url.path))


def owner_of(path: str, root: Path) -> str | None:
    """The distribution whose RECORD lists ``path`` (relative to ``root``), of all that are installed there."""
    for distribution in distributions(path=[str(root)]):
        if f"\n{path}," in "\n" + (distribution.read_text("RECORD") or ""):
            return str(distribution.metadata["Name"])
    return None
