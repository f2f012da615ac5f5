"""A policy as data: what its file says, with the keys and certificates that it names read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.trust.alerts.raising import Alert
from bridge.trust.signers import Verifier

if TYPE_CHECKING:
    from bridge.trust.log.note_keys import NoteKey

SOURCE: Final = "source"
"""The role of a CNTK model that is converted."""

PACKAGE: Final = "package"
"""The role of a package, which is loaded."""


@dataclass(frozen=True, slots=True)
class SignerGroup:
    """People and machines who are trusted alike, by the name that the policy gives them."""

    name: str
    verifier: Verifier


@dataclass(frozen=True, slots=True)
class VersionRules:
    """``minimum`` goes by the model's name. ``store`` is ``None`` for the usual place."""

    minimum: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    remembered: bool = True
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class LogRules:
    """In whose transparency logs packages have to be, and how many witnesses have to have seen that. Without keys, in none."""

    keys: tuple[NoteKey, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    required_witnesses: int = 0


@dataclass(frozen=True, slots=True)
class LibraryRules:
    """``lock`` is the signed lock that the engine's libraries have to fit, ``signers`` the groups that may sign it."""

    lock: Path
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Input guards that a model has to stand behind: one at least of each of ``kinds``, as files of guards call them.

    Where there are ``digests``, the file that configures the guards has one of these SHA-256, in hexadecimal.
    """

    kinds: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RuntimeRules:
    """What is asked of the machine that a package is loaded on, and of what stands before the model there.

    ``minimum_sandbox`` is a level in the words of ``bridge.runtime.sandbox.report``; "none" asks for nothing.
    """

    minimum_sandbox: str = "none"
    libraries: LibraryRules | None = None
    guards: GuardRules | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may sign what, and what is required. ``sha256`` is that of the policy's file, in hexadecimal.

    ``signers`` holds every group. ``accepted`` maps a role to the names of the groups that may sign it, ``statements`` a kind of
    statement to those that may make it, where that differs. ``required`` maps a role to kinds of statements. Digests and
    fingerprints in ``revoked_keys`` and ``revoked_digests`` are hexadecimal, without the algorithm.
    """

    name: str
    sha256: str
    signers: Mapping[str, SignerGroup] = field(default_factory=dict)
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waived_accepted: bool = False
    log: LogRules = field(default_factory=LogRules)
    maximum_age_days: Mapping[str, float] = field(default_factory=dict)
    versions: VersionRules = field(default_factory=VersionRules)
    revoked_keys: frozenset[str] = frozenset()
    revoked_digests: frozenset[str] = frozenset()
    runtime: RuntimeRules = field(default_factory=RuntimeRules)
    alerts: tuple[Alert, ...] = ()
    fallback: Path | None = None

    def groups(self, role: str) -> tuple[SignerGroup, ...]:
        """Who may sign things of this role."""
        return tuple(self.signers[name] for name in self.accepted.get(role, ()))

    def groups_for_statement(self, kind: str) -> tuple[SignerGroup, ...]:
        """Who may make statements of this kind: by default everybody who may sign a source or a package."""
        names = self.statements.get(kind)
        if names is None:
            names = tuple(dict.fromkeys(name for role in (SOURCE, PACKAGE) for name in self.accepted.get(role, ())))
        return tuple(self.signers[name] for name in names)
