"""The options of ``bridge convert`` that say whose signature a source needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.trust.policy.model import Policy

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
Signature = Annotated[Path | None, typer.Option("--signature", help="The signature of the one model.  [default: <model>.sig]")]
AllowUnsigned = Annotated[
    bool,
    typer.Option("--allow-unsigned", help="Accept models without a signature; the results say that their origin is unknown."),
]


def policy_of(policy: Path | None, public_keys: Sequence[Path], trusted_roots: Sequence[Path]) -> "Policy":
    """The policy that the options ask for: that which trusts nobody where there are none."""
    from bridge.trust.policy.document import load_policy, policy_for

    if policy is None:
        return policy_for(public_keys, trusted_roots)
    if public_keys or trusted_roots:
        raise InvalidOptionError("--policy says whom to trust: leave out --public-key and --trusted-root, or put them into it")
    return load_policy(policy)
