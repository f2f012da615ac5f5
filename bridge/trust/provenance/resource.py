"""in-toto's ResourceDescriptor: a thing that a statement speaks of, by digest or by address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import InvalidBundleError

_HEX = re.compile(r"[0-9a-f]{32,128}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A file, repository, data set or statement. ``digest`` maps algorithms to lower-case hexadecimal digits.

    At least one of ``uri`` and ``digest`` is there: what has neither is nothing that could be looked for.
    """

    name: str = ""
    uri: str = ""
    digest: Mapping[str, str] = field(default_factory=dict)
    media_type: str = ""
    annotations: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str | None:
        """The SHA-256, where it is known."""
        return self.digest.get("sha256")

    @property
    def role(self) -> str:
        """What the resource is to the step that names it, or an empty string."""
        role = self.annotations.get("role")
        return role if isinstance(role, str) else ""

    def to_json(self) -> dict[str, Any]:
        """The descriptor in JSON's types; members without a value are left out, as the format asks."""
        members = {
            "name": self.name,
            "uri": self.uri,
            "digest": dict(self.digest),
            "mediaType": self.media_type,
            "annotations": dict(self.annotations),
        }
        return {name: value for name, value in members.items() if value}

    @classmethod
    def from_json(cls, value: Any, where: str) -> Resource:
        """The descriptor at ``where`` of a statement; ``InvalidBundleError`` where it is none. Unknown members are ignored."""
        if not isinstance(value, dict):
            raise InvalidBundleError("not a resource", field=where, expected="an object", found=type(value).__name__)
        digest = value.get("digest") or {}
        if not isinstance(digest, dict) or not all(isinstance(text, str) and _HEX.fullmatch(text) for text in digest.values()):
            raise InvalidBundleError("not a set of digests", field=f"{where}.digest", expected="hexadecimal digits by algorithm")
        annotations = value.get("annotations") or {}
        if not isinstance(annotations, dict):
            raise InvalidBundleError("not annotations", field=f"{where}.annotations", expected="an object")
        name, uri, media_type = (_text(value, member, where) for member in ("name", "uri", "mediaType"))
        if not uri and not digest and not value.get("content"):
            raise InvalidBundleError("a resource that nothing identifies", field=where, expected="uri, digest or content")
        return cls(name, uri, digest, media_type, annotations)


def resources_from_json(value: Any, where: str, *, at_most: int = 10_000) -> tuple[Resource, ...]:
    """A list of resources that may be absent; ``InvalidBundleError`` where it is something else."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > at_most:
        found = f"{len(value)}" if isinstance(value, list) else type(value).__name__
        raise InvalidBundleError("not a list of resources", field=where, expected=f"at most {at_most}", found=found)
    return tuple(Resource.from_json(item, f"{where}[{index}]") for index, item in enumerate(value))


def _text(value: Mapping[str, Any], member: str, where: str) -> str:
    found = value.get(member) or ""
    if not isinstance(found, str):
        raise InvalidBundleError("not a text", field=f"{where}.{member}", expected="a text", found=type(found).__name__)
    return found
