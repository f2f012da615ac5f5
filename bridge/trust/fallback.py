"""The package that is loaded where the one that was asked for is refused: verified under the same policy, or not loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError, SourceError, TrustError, UsageError
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.trust.alerts.raising import LOG
from bridge.trust.policy.model import Policy
from bridge.trust.small_files import StrPath
from bridge.trust.verified import VerifiedFolder, verify_folder


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be used. ``refusal`` is the error that the primary was refused with, where the fallback takes its place."""

    folder: VerifiedFolder
    path: Path
    refusal: BridgeError | None = None

    @property
    def is_fallback(self) -> bool:
        """Whether this is not what was asked for."""
        return self.refusal is not None


def verify_or_fallback(primary: StrPath, fallback: StrPath | None, policy: Policy, *, limits: Limits = DEFAULT_LIMITS) -> Chosen:
    """The package ``primary`` if the policy accepts it, otherwise ``fallback`` (by default the policy's) if it accepts that.

    Where both are refused, the error is the primary's, with the fallback's as a note. Alerts are sent for either.
    """
    second = Path(fallback) if fallback is not None else policy.fallback
    try:
        return Chosen(verify_folder(primary, policy, limits=limits), Path(primary))
    except (TrustError, SourceError, UsageError) as refusal:
        if second is None:
            raise
        try:
            folder = verify_folder(second, policy, limits=limits)
        except BridgeError as other:
            refusal.add_note(f"the fallback '{second}' is refused too: {other}")
            raise refusal from other
        LOG.warning("the fallback %s is used in place of %s: %s", ascii(str(second)), ascii(str(primary)), ascii(str(refusal)))
        return Chosen(folder, second, refusal)
