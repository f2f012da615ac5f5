"""One attempt at tampering, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError, PolicyError
from bridge.trust.log.verified_log import TrustedKeys, verify_log
from bridge.trust.policy.document import load_policy
from bridge.trust.verified import verify_file, verify_folder
from tests.trust.tampering.scene import Scene

Act = Callable[[Scene], None]


@dataclass(frozen=True)
class Attempt:
    """What is done to a copy of the scene, and what has to refuse it.

    ``subject`` is what is verified afterwards: "package", "source" or "log". ``refused_by`` is a rule of the policy, or the class
    of the error; ``says`` is part of its sentence.
    """

    subject: str
    what: str
    refused_by: str
    says: str
    act: Act

    def error(self, scene: Scene) -> BridgeError:
        """What verification raises."""
        try:
            verify(self.subject, scene)
        except BridgeError as error:
            return error
        raise AssertionError(f"was accepted: {self.what}")

    def command(self, scene: Scene) -> tuple[str | Path, ...]:
        """The command that verifies the subject."""
        if self.subject == "log":
            kept = ("--since", scene.folder / "kept.checkpoint")
            return ("log", "verify", scene.log, "--public-key", scene.folder / "log.key.pub", *kept)
        trust = ("--policy", scene.policy_file)
        if self.subject == "package":
            return ("policy", "explain", scene.package, *trust)
        return ("convert", scene.source, "-o", scene.folder / "out.onnx", *trust)


ATTEMPTS: list[Attempt] = []


def attempt(subject: str, what: str, *, refused_by: str, says: str) -> Callable[[Act], Act]:
    """Register an attempt."""

    def register(act: Act) -> Act:
        ATTEMPTS.append(Attempt(subject, what, refused_by, says, act))
        return act

    return register


def verify(subject: str, scene: Scene) -> None:
    """Verify a subject of the scene as whoever uses it would."""
    if subject == "log":
        trusted = TrustedKeys([scene.folder / "log.key.pub"])
        verify_log(scene.log, trusted, since=[scene.folder / "kept.checkpoint"])
        return
    policy = load_policy(scene.policy_file)
    with closing(verify_folder(scene.package, policy) if subject == "package" else verify_file(scene.source, policy)):
        pass


def refused_by(error: BridgeError) -> str:
    """The rule that refused, or the class of the error."""
    return error.rule if isinstance(error, PolicyError) else type(error).__name__
