"""What a model's files differ in from the signed list of them."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import IntegrityError
from bridge.trust.digests import FileDigest
from bridge.trust.manifest import Manifest, split_shard
from bridge.trust.resource_names import SINGLE_FILE
from bridge.trust.tree import OpenedFile, OpenedRoot

_MOST_NAMED = 20


class Differences:
    """Collects differences while files are opened and hashed; ``compare`` raises if there are any."""

    def __init__(self, manifest: Manifest, root: OpenedRoot) -> None:
        self._manifest = manifest
        # The only file of a model goes by "." or by its name, so that a renamed one is noticed where its name was signed.
        self._single = None if root.is_folder else root.name
        self._sizes = manifest.sizes()
        self._seen: set[str] = set()
        self._added: list[str] = []
        self._changed: dict[str, tuple[str, str]] = {}

    def expects(self, file: OpenedFile) -> bool:
        """Whether the file is listed and can still be what was signed. Otherwise it is noted."""
        name = self._listed_name(file.name)
        if name not in self._sizes:
            # The format lists no pieces of an empty file, so that nothing can be said about it.
            if self._manifest.shard_size is None or file.size:
                self._added.append(file.name)
            return False
        self._seen.add(name)
        size = self._sizes[name]
        if size is not None and size != file.size:
            self._changed[name] = (f"{size} bytes", f"{file.size} bytes")
            return False
        return True

    def compare(self, digests: Sequence[FileDigest]) -> None:
        """Raise ``IntegrityError`` unless every listed file is there with its digest, and no other file."""
        computed = {self._listed_name(file.name): file.digest for file in digests}
        for resource in self._manifest.resources:
            found = computed.get(resource.name)
            if found is not None and found != resource.digest:
                self._changed.setdefault(resource.name, (_digest(resource), f"{resource.algorithm}:{found}"))
        missing = [name for name in self._sizes if name not in self._seen]
        if not (self._changed or missing or self._added):
            return
        advice = self._summary(missing)
        if self._changed:
            name, (expected, got) = next(iter(self._changed.items()))
            raise IntegrityError(name, expected=expected, computed=got, advice=advice)
        if missing:
            raise IntegrityError(missing[0], expected="a file that was signed", computed="no such file", advice=advice)
        raise IntegrityError(self._added[0], expected="no such file", computed="a file that was not signed", advice=advice)

    def _listed_name(self, name: str) -> str:
        if self._single is None or SINGLE_FILE in self._sizes:
            return name
        shard = split_shard(name)
        return f"{self._single}:{shard[1]}:{shard[2]}" if shard else self._single

    def _summary(self, missing: Sequence[str]) -> str:
        parts = [
            f"{kind}: {', '.join(repr(name) for name in names[:_MOST_NAMED])}"
            + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
            for kind, names in (("changed", list(self._changed)), ("missing", missing), ("not signed", self._added))
            if names
        ]
        return "; ".join(parts) + ("; renamed?" if missing and self._added else "")


def _digest(file: FileDigest) -> str:
    return f"{file.algorithm}:{file.digest}"
