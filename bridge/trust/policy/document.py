"""The file that a policy is written in, and policies without a file: for keys that the command line names, and for none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import InvalidKeyError, InvalidOptionError
from bridge.trust.alerts.command import Command
from bridge.trust.alerts.incident import INTEGRITY
from bridge.trust.alerts.raising import Alert, Channel
from bridge.trust.alerts.syslog import Syslog
from bridge.trust.alerts.webhook import Webhook
from bridge.trust.keys import load_public_key
from bridge.trust.policy.model import (
    PACKAGE,
    SOURCE,
    GuardRules,
    LibraryRules,
    LogRules,
    Policy,
    RuntimeRules,
    SignerGroup,
    VersionRules,
)
from bridge.trust.policy.signers import IdentityFilter
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST, parse_yaml
from bridge.trust.signers import Verifier, any_of
from bridge.trust.small_files import StrPath, read_small_file

if TYPE_CHECKING:
    from bridge.trust.log.note_keys import NoteKey

COMMAND_LINE = "command-line"
"""The name of the policy, and of its only group, that keys without a policy make."""


@cache
def policy_schema() -> dict[str, Any]:
    """The JSON Schema of a policy."""
    text = files("bridge.trust.policy").joinpath("schemas", "policy-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def default_policy() -> Policy:
    """The policy where there is none: it trusts nobody, and says so."""
    return Policy("default", hashlib.sha256(b"").hexdigest())


def policy_for(public_keys: Sequence[StrPath] = (), trusted_roots: Sequence[StrPath] = ()) -> Policy:
    """The policy that accepts everything that one of these keys, or a certificate under one of these roots, has signed.

    Raises ``InvalidKeyError`` for a file that holds no key or certificate, ``InvalidOptionError`` for one that is not there.
    """
    if not public_keys and not trusted_roots:
        return default_policy()
    prints: list[str] = []
    verifiers: list[Verifier] = []
    for path in public_keys:
        key = load_public_key(path)
        prints.append(key.fingerprint)
        verifiers.append(key)
    if trusted_roots:
        # cryptography's certificates take a tenth of a second to import, which keys alone need not pay.
        from bridge.trust.certificates import load_trusted_roots

        verifiers.append(load_trusted_roots(trusted_roots))
        roots = [read_small_file(path, what="root certificate", most=1 << 20) for path in trusted_roots]
        prints += [hashlib.sha256(root).hexdigest() for root in roots]
    document = json.dumps({"policy": 1, "name": COMMAND_LINE, "trusts": sorted(prints)})
    return Policy(
        COMMAND_LINE,
        hashlib.sha256(document.encode()).hexdigest(),
        signers={COMMAND_LINE: SignerGroup(COMMAND_LINE, any_of(verifiers))},
        accepted={SOURCE: (COMMAND_LINE,), PACKAGE: (COMMAND_LINE,)},
    )


def load_policy(path: StrPath) -> Policy:
    """The policy in a YAML file, with all keys and certificates that it names; those paths are relative to its folder.

    Raises ``InvalidOptionError`` with the place of the fault, ``InvalidKeyError`` for files that hold no keys or certificates.
    """
    data = read_small_file(path, what="policy", most=YAML_BYTES_AT_MOST)
    place = Path(path)
    document = parse_yaml(data, what=f"the policy '{place}'")
    _check(document, place)
    return _Reader(document, place).policy(hashlib.sha256(data).hexdigest())


def _check(document: Any, place: Path) -> None:
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    faults = sorted(Draft202012Validator(policy_schema()).iter_errors(document), key=lambda fault: list(map(str, fault.path)))
    if faults:
        where = ".".join(str(part) for part in faults[0].absolute_path) or "the whole"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InvalidOptionError(
            f"the policy '{place}': {where}: {faults[0].message[:500]}{more}; `docs/policy.md` says what may stand there"
        )


class _Reader:
    """A document that fits the schema, on its way to a policy."""

    def __init__(self, document: Mapping[str, Any], place: Path) -> None:
        self._document = document
        self._place = place

    def policy(self, sha256: str) -> Policy:
        document = self._document
        accepted = document["accept"]
        revoked = document.get("revoked", {})
        signers = {name: SignerGroup(name, self._verifier(name, entry)) for name, entry in document["signers"].items()}
        roles = {role: tuple(accepted[role]) for role in (SOURCE, PACKAGE) if role in accepted}
        statements = {kind: tuple(names) for kind, names in accepted.get("statements", {}).items()}
        for where, names in (*roles.items(), *statements.items()):
            self._refuse_unknown(f"accept.{where}", names, signers)
        runtime = self._runtime(document.get("runtime", {}))
        if runtime.libraries is not None:
            self._refuse_unknown("runtime.libraries.signers", runtime.libraries.signers, signers)
        return Policy(
            name=document.get("name", self._place.stem),
            sha256=sha256,
            signers=signers,
            accepted=roles,
            statements=statements,
            required={role: tuple(kinds) for role, kinds in document.get("require", {}).items()},
            waived_accepted=document.get("accept-waived", False),
            log=self._log(document["log"]) if "log" in document else LogRules(),
            maximum_age_days=document.get("maximum-age-days", {}),
            versions=self._versions(document.get("versions", {})),
            revoked_keys=_hexadecimal(revoked.get("keys", ())),
            revoked_digests=_hexadecimal(revoked.get("digests", ())),
            runtime=runtime,
            alerts=tuple(self._alert(item) for item in document.get("alerts", ())),
            fallback=self._path(document["fallback"]) if "fallback" in document else None,
        )

    def _verifier(self, name: str, entry: Mapping[str, Any]) -> Verifier:
        verifiers = [self._key(name, item) for item in entry.get("keys", ())]
        if "certificates" in entry:
            verifiers.append(self._certificates(entry["certificates"]))
        return any_of(verifiers)

    def _key(self, group: str, item: str | Mapping[str, str]) -> Verifier:
        path = self._path(item if isinstance(item, str) else item["path"])
        key = load_public_key(path)
        expected = key.fingerprint if isinstance(item, str) else item["fingerprint"].removeprefix("sha256:")
        if key.fingerprint != expected:
            raise InvalidKeyError(
                f"the policy '{self._place}': the key '{path}' of {group} is another one; expected the fingerprint {expected}, "
                f"found {key.fingerprint}"
            )
        return key

    def _certificates(self, entry: Mapping[str, Any]) -> Verifier:
        from bridge.trust.certificates import load_trusted_roots

        roots = [self._path(path) for path in entry["roots"]]
        verifier = load_trusted_roots(roots, revocation_lists=[self._path(path) for path in entry.get("revocation-lists", ())])
        return IdentityFilter(verifier, tuple(entry["identities"])) if "identities" in entry else verifier

    def _log(self, entry: Mapping[str, Any]) -> LogRules:
        from bridge.trust.log.note_keys import ED25519, ED25519_COSIGNATURE

        witnesses = self._note_keys("witnesses", entry.get("witnesses", ()), ED25519_COSIGNATURE)
        required = entry.get("required-witnesses", len(witnesses))
        if required > len(witnesses):
            raise InvalidOptionError(
                f"the policy '{self._place}': log.required-witnesses: {required}, of {len(witnesses)} witness(es)"
            )
        return LogRules(self._note_keys("keys", entry["keys"], ED25519), witnesses, required)

    def _note_keys(self, member: str, paths: Sequence[str], algorithm: int) -> tuple[NoteKey, ...]:
        from bridge.trust.log.key_files import load_note_key

        keys = tuple(load_note_key(self._path(path), name="") for path in paths)
        for path, key in zip(paths, keys, strict=True):
            if not key.name or key.algorithm != algorithm:
                raise InvalidKeyError(
                    f"the policy '{self._place}': log.{member}: '{path}' is no verifier key of type {algorithm:02x}; expected "
                    "one line 'name+id+base64', which says whose key it is"
                )
        return keys

    def _versions(self, entry: Mapping[str, Any]) -> VersionRules:
        return VersionRules(
            minimum=entry.get("minimum", {}),
            required=entry.get("require", bool(entry.get("minimum"))),
            remembered=entry.get("remember", True),
            store=self._path(entry["store"]) if "store" in entry else None,
        )

    def _runtime(self, entry: Mapping[str, Any]) -> RuntimeRules:
        stated = entry.get("libraries")
        libraries = None if stated is None else LibraryRules(self._path(stated["lock"]), tuple(stated["signers"]))
        asked = entry.get("guards")
        guards = None if asked is None else GuardRules(tuple(asked.get("require", ())), _hexadecimal(asked.get("digests", ())))
        return RuntimeRules(entry.get("minimum-sandbox", "none"), libraries, guards)

    def _alert(self, entry: Mapping[str, Any]) -> Alert:
        seconds = float(entry.get("timeout-seconds", 5.0))
        channel: Channel
        if "webhook" in entry:
            channel = Webhook(entry["webhook"], seconds, entry.get("allow-http", False))
        elif "syslog" in entry:
            channel = Syslog(entry["syslog"], entry.get("facility", "auth"), seconds)
        else:
            channel = Command(tuple(entry["command"]), seconds)
        return Alert(channel, frozenset(entry.get("events", (INTEGRITY,))))

    def _refuse_unknown(self, where: str, names: Sequence[str], signers: Mapping[str, SignerGroup]) -> None:
        for name in names:
            if name not in signers:
                raise InvalidOptionError(
                    f"the policy '{self._place}': {where}: no group {name!a} among the signers; expected one of "
                    + ", ".join(signers)
                )

    def _path(self, text: str) -> Path:
        return self._place.parent / text


def _hexadecimal(digests: Sequence[str]) -> frozenset[str]:
    return frozenset(digest.rpartition(":")[2] for digest in digests)
