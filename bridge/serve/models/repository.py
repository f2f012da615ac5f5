"""All models, by name and version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bridge.errors import RequestRefusedError
from bridge.serve.models.hosted import HostedModel


class Repository:
    """Fixed when the server starts: nothing is loaded, unloaded or replaced because a client says so."""

    def __init__(self, models: Mapping[tuple[str, str], HostedModel]) -> None:
        self._models: Final = dict(models)
        self._versions: Final[dict[str, list[str]]] = {}
        for name, version in sorted(models, key=lambda key: (key[0], version_order(key[1]))):
            self._versions.setdefault(name, []).append(version)

    def __iter__(self) -> Iterator[HostedModel]:
        return iter(self._models.values())

    def versions(self, name: str) -> list[str]:
        """The versions of ``name`` from the oldest to the newest. Raises ``RequestRefusedError`` if there is none."""
        try:
            return self._versions[name]
        except KeyError as error:
            raise RequestRefusedError("not-found", f"no model {ascii(name)[:200]}") from error

    def find(self, name: str, version: str = "") -> HostedModel:
        """The model of that name; without a version the newest. Raises ``RequestRefusedError`` if there is none."""
        versions = self.versions(name)
        model = self._models.get((name, version or versions[-1]))
        if model is None:
            raise RequestRefusedError("not-found", f"no version {ascii(version)[:80]} of the model {name!r}")
        return model

    def close(self) -> None:
        """Answer what waits, take no more."""
        for model in self:
            model.close()


def version_order(version: str) -> tuple[tuple[int, int | str], ...]:
    """A key that puts 10 behind 9, and numbers before words."""
    return tuple((0, int(part)) if part.isascii() and part.isdigit() else (1, part) for part in version.split("."))
