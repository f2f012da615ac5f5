"""Names of files beneath a model's root: the paths that a signature may list, and those that it leaves out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator

GIT_NAMES = (".git", ".gitattributes", ".github", ".gitignore")
"""Left out by default, at the top level alone, as the format has it."""

LOG_PROOFS = "model.tlog-proofs"
"""The proofs that signature and claims are in a transparency log."""

OWN_NAMES = ("claims.jsonl", "model.sig", LOG_PROOFS)
"""What stands in a package beside the model and speaks about it, so that it cannot be part of what is signed."""

SINGLE_FILE = "."
"""What model_signing calls the only file of a model that is no folder. The specification calls it by its name; both are read."""

DEEPEST = 64
"""Folders within folders. Every path above a file is looked at, so that their number has to be bounded."""

_NAME_CHARACTERS = 4096
_GLOB_CHARACTERS = "*?["


def name_fault(name: str) -> str | None:
    """Why ``name`` is no path of a file beneath the root, or ``None`` if it is one."""
    if not name or len(name) > _NAME_CHARACTERS:
        return "empty" if not name else "too long"
    if name.startswith("/"):
        return "absolute"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "not in canonical form: it holds an empty component, '.' or '..'"
    if name.count("/") > DEEPEST:
        return f"more than {DEEPEST} folders deep"
    if "\\" in name:
        return "with a backslash, which is a separator elsewhere"
    if not name.isascii() and not _is_unicode(name):
        return "not UTF-8"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "with a control character"
    return None


def ignore_fault(name: str) -> str | None:
    """Why ``name`` cannot be left out of a signature, or ``None`` if it can."""
    if any(character in name for character in _GLOB_CHARACTERS):
        return "a pattern, where the format has exact paths"
    return name_fault(name)


def folders_above(name: str) -> Iterator[str]:
    """The folders that a path lies in, the outermost first."""
    end = name.find("/")
    while end >= 0:
        yield name[:end]
        end = name.find("/", end + 1)


def beneath(folders: Iterable[str]) -> Callable[[str], bool]:
    """Tells of a path whether it is one of ``folders``, or lies in one of them. As quick for many folders as for few."""
    known = frozenset(folders)
    return lambda name: name in known or any(folder in known for folder in folders_above(name))


def look_alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Two different names that Unicode normalisation makes one, so that file systems and people may take one for the other."""
    seen: dict[str, str] = {}
    for name in names:
        normal = name if name.isascii() else unicodedata.normalize("NFC", name)
        other = seen.setdefault(normal, name)
        if other != name:
            return other, name
    return None


def _is_unicode(name: str) -> bool:
    # A name that is not UTF-8 on disk arrives with lone surrogates in place of the octets at fault.
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
