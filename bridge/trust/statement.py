"""in-toto Statement v1: something said (the predicate) about artefacts that are named by their digests (the subject)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.json_members import Members
from bridge.trust.strict_json import parse

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_HEXADECIMAL = re.compile(r"[0-9a-f]{1,256}")


@dataclass(frozen=True, slots=True)
class Subject:
    """An artefact: its name, which is for people, and its digests by algorithm, in lower-case hexadecimal."""

    name: str
    digest: Mapping[str, str]
    # What else the descriptor of the artefact holds (uri, mediaType, annotations, ...), carried along unread.
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The subject as in-toto writes it."""
        return {"name": self.name, "digest": dict(self.digest), **self.more}

    @staticmethod
    def from_json(value: Any, path: str) -> Subject:
        """Read a subject at ``path``. Raises ``InvalidBundleError``."""
        members = Members(value, path)
        name = members.text("name") if "name" in members else ""
        digests = members.mapping("digest")
        if not digests:
            raise InvalidBundleError("no digest, so that it could be anything", field=members.at("digest"))
        for algorithm, digest in digests.items():
            if not isinstance(digest, str) or not _HEXADECIMAL.fullmatch(digest):
                raise InvalidBundleError("no digest", field=f"{path}.digest.{algorithm}", expected="lower-case hexadecimal")
        more = {key: item for key, item in value.items() if key not in {"name", "digest"}}
        return Subject(name, digests, more)


@dataclass(frozen=True, slots=True)
class Statement:
    """``predicate``, of the kind that the URI ``predicate_type`` names, said about every artefact in ``subject``."""

    subject: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The statement as in-toto writes it."""
        return {
            "_type": STATEMENT_TYPE,
            "subject": [subject.to_json() for subject in self.subject],
            "predicateType": self.predicate_type,
            "predicate": dict(self.predicate),
        }

    def to_bytes(self) -> bytes:
        """The payload to sign: UTF-8, without needless blanks. Raises ``ValueError`` for what JSON cannot say, such as NaN."""
        return json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    @staticmethod
    def from_json(value: Any) -> Statement:
        """Read a parsed statement. Raises ``InvalidBundleError`` with the path of the member at fault."""
        members = Members(value)
        members.only("_type", "subject", "predicateType", "predicate")
        kind = members.text("_type")
        if kind != STATEMENT_TYPE:
            raise InvalidBundleError("no in-toto statement", field="_type", expected=STATEMENT_TYPE, found=ascii(kind[:200]))
        subjects = members.array("subject")
        if not subjects:
            raise InvalidBundleError("a statement about nothing", field="subject", expected="at least one subject")
        predicate_type = members.text("predicateType")
        if not predicate_type:
            raise InvalidBundleError("empty", field="predicateType", expected="a URI")
        return Statement(
            subject=tuple(Subject.from_json(item, f"subject[{index}]") for index, item in enumerate(subjects)),
            predicate_type=predicate_type,
            # in-toto lets a statement do without a predicate: its type then says it all.
            predicate=members.mapping("predicate") if "predicate" in members else {},
        )

    @staticmethod
    def from_bytes(payload: bytes) -> Statement:
        """Read the payload of an envelope. Raises ``InvalidBundleError``."""
        return Statement.from_json(parse(payload, what="the statement"))
