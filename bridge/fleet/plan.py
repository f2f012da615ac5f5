"""What every replica is told: how to serve, and the digests that it has to find on its own machine. It travels as one text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import InvalidOptionError, UnexpectedModelError
from bridge.fleet.configuration import fleet_settings
from bridge.serve.settings import ModelSettings, ServerSettings
from bridge.trust.policy.document import load_policy, policy_for
from bridge.trust.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Pin:
    """What the deployment was fixed to, in hexadecimal: the package's root digest, and the SHA-256 of the policy's file."""

    root_digest: str
    policy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``document`` is a configuration of ``bridge serve`` whose paths are relative to ``folder``; ``pins`` are by package path.

    ``policy`` or ``public_keys`` and ``trusted_roots`` say whom to trust for models that name no policy of their own.
    """

    document: Mapping[str, Any]
    folder: str
    pins: Mapping[str, Pin] = field(default_factory=dict)
    policy: str = ""
    public_keys: tuple[str, ...] = ()
    trusted_roots: tuple[str, ...] = ()

    @property
    def settings(self) -> ServerSettings:
        """The settings that the document states. Raises ``InvalidOptionError``."""
        return fleet_settings(self.document, Path(self.folder))

    def policy_of(self, model: ModelSettings) -> Policy:
        """The policy that ``model`` is verified under, as it lies on this machine. Raises as ``load_policy`` does."""
        if model.policy is not None:
            return load_policy(model.policy)
        return load_policy(self.policy) if self.policy else policy_for(self.public_keys, self.trusted_roots)

    def pin_of(self, package: Path, policy: Policy) -> Pin:
        """The pin of the package there. Raises ``UnexpectedModelError`` where the policy on this machine is another."""
        pin = self.pins.get(str(package))
        if pin is None:
            raise UnexpectedModelError(f"the deployment has no digest for {str(package)!r}")
        if pin.policy != policy.sha256:
            raise UnexpectedModelError(
                f"the policy {policy.name!r} on this machine is not the one that the deployment was verified under: expected "
                f"sha256:{pin.policy}, found sha256:{policy.sha256}; put the same file on every machine, or deploy anew"
            )
        return pin

    def to_text(self) -> str:
        """The plan as JSON, for :meth:`from_text`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """The plan in ``text``, which came from :meth:`to_text`. Raises ``InvalidOptionError`` for anything else."""
        try:
            said = json.loads(text)
            said["pins"] = {path: Pin(**pin) for path, pin in said["pins"].items()}
            said |= {name: tuple(said[name]) for name in ("public_keys", "trusted_roots")}
            return cls(**said)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidOptionError(f"no plan of a fleet: {error}") from error
