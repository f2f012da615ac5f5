"""The options that say whose signature a model needs, for every command that verifies one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.trust.policy.model import Policy
    from bridge.trust.signers import Verifier

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy, in YAML: who may sign what, and what has to be stated."),
]
PublicKey = Annotated[
    list[Path] | None, typer.Option("--public-key", help="Public key in PEM whose signatures are accepted; may be repeated.")
]
TrustedRoot = Annotated[
    list[Path] | None,
    typer.Option("--trusted-root", help="Certificates in PEM under which signers are accepted; may be repeated."),
]
RevocationList = Annotated[
    list[Path] | None, typer.Option("--crl", help="Certificate revocation list, PEM or DER; may be repeated.")
]
TrustedTime = Annotated[
    str | None, typer.Option("--at", help="Trusted time for certificates, as in 2026-01-31T12:00:00Z.  [default: now]")
]
Signature = Annotated[Path | None, typer.Option("--signature", help="The signature of the one model.  [default: <model>.sig]")]
AllowUnsigned = Annotated[
    bool,
    typer.Option("--allow-unsigned", help="Accept models without a signature; the results say that their origin is unknown."),
]


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """Whose signatures are accepted: as a policy says, or those of keys and roots."""

    policy: PolicyFile = None
    public_key: PublicKey = None
    trusted_root: TrustedRoot = None

    @property
    def given(self) -> bool:
        """Whether any of them is."""
        return bool(self.policy or self.public_key or self.trusted_root)

    def to_policy(self) -> "Policy":
        """The policy that the options ask for: that which trusts nobody where there are none.

        Raises ``InvalidOptionError`` where they contradict each other, and ``TrustError`` for files that cannot be used.
        """
        from bridge.trust.policy.document import load_policy, policy_for

        if self.policy is None:
            return policy_for(self.public_key or (), self.trusted_root or ())
        if self.public_key or self.trusted_root:
            raise InvalidOptionError(
                "--policy says whom to trust: leave out --public-key and --trusted-root, or put them into it"
            )
        return load_policy(self.policy)


@dataclass(frozen=True, slots=True)
class TrustOptions(PolicyOptions):
    """The same for commands that may take models without a signature."""

    allow_unsigned: AllowUnsigned = False


@dataclass(frozen=True, slots=True)
class VerifierOptions:
    """Keys and roots to verify signatures with, for commands that ask no policy."""

    public_key: PublicKey = None
    trusted_root: TrustedRoot = None
    crl: RevocationList = None
    at: TrustedTime = None

    def verifier(self) -> "Verifier":
        """The verifier that the options name. Raises ``InvalidOptionError`` if they name nobody, or if some have no effect."""
        return load_verifier(self.public_key or (), self.trusted_root or (), self.crl or (), self.at)

    def verifier_if_named(self) -> "Verifier | None":
        """The same; ``None`` where nobody is named."""
        if self.public_key or self.trusted_root:
            return self.verifier()
        _refuse_without_roots(self.crl or (), self.at)
        return None


def load_verifier(public_keys: Sequence[Path], trusted_roots: Sequence[Path], crls: Sequence[Path], at: str | None) -> "Verifier":
    """The verifier of these keys and roots. Raises ``InvalidOptionError`` if there are none, or if some would have no effect."""
    from bridge.trust.signers import any_of

    if not public_keys and not trusted_roots:
        raise InvalidOptionError("nobody is trusted: give --public-key or --trusted-root")
    if not trusted_roots:
        _refuse_without_roots(crls, at)
    verifiers: list[Verifier] = []
    if public_keys:
        from bridge.trust.keys import load_public_key

        verifiers += [load_public_key(key) for key in public_keys]
    if trusted_roots:
        from bridge.trust.certificates import load_trusted_roots

        verifiers.append(load_trusted_roots(trusted_roots, revocation_lists=crls, at=_time(at)))
    return any_of(verifiers) if len(verifiers) > 1 else verifiers[0]


def _refuse_without_roots(crls: Sequence[Path], at: str | None) -> None:
    if crls or at is not None:
        raise InvalidOptionError("--crl and --at concern certificates: give --trusted-root too")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidOptionError(f"--at is no time: {text!a}; expected the like of 2026-01-31T12:00:00Z") from error
    if time.tzinfo is None:
        raise InvalidOptionError(f"--at has no time zone: {text!a}; end it with Z for UTC")
    return time
