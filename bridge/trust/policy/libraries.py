"""The rule ``libraries``: what computes is what somebody trusted has found good, and signed a lock of."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final

from bridge.errors import IntegrityError, InvalidBundleError, InvalidOptionError, PolicyError, SignatureError
from bridge.trust.alerts.incident import INTEGRITY, REFUSAL, Incident
from bridge.trust.alerts.raising import raise_alarm
from bridge.trust.integrity.checking import OUR_DISTRIBUTION, check_libraries
from bridge.trust.integrity.lock import Lock, read_lock
from bridge.trust.policy.model import LibraryRules, Policy
from bridge.trust.policy.rules import LIBRARIES
from bridge.trust.policy.signers import StatementVerifier
from bridge.trust.small_files import read_small_file

ENGINE_LIBRARIES: Final = (OUR_DISTRIBUTION, "onnxruntime", "onnxruntime-gpu", "numpy", "onnx")
"""What a package is loaded and run with. A lock may have more, which is not hashed on every load."""

_LOCK_BYTES_AT_MOST = 1 << 20


def refuse_other_libraries(policy: Policy) -> None:
    """Hash the engine's libraries and hold them against the lock that ``policy`` names; nothing where it names none.

    Raises ``IntegrityError`` with the file, what was expected and what was computed, and ``PolicyError`` (rule ``libraries``) for
    a lock that cannot be read, is revoked, or is signed by nobody who may. Alerts are sent first.
    """
    rules = policy.runtime.libraries
    if rules is None:
        return
    try:
        check_against_lock(policy)
    except IntegrityError as error:
        digests = {"expected": error.expected, "computed": error.computed}
        _alarm(policy, error, Incident.now(INTEGRITY, error.path, str(error), **_by(policy), **digests))
        raise
    except PolicyError as error:
        _alarm(policy, error, Incident.now(REFUSAL, str(rules.lock), str(error), **_by(policy)))
        raise


def check_against_lock(policy: Policy) -> None:
    """As ``refuse_other_libraries``, without telling anybody but the caller."""
    if policy.runtime.libraries is not None:
        check_libraries(ENGINE_LIBRARIES, _lock(policy, policy.runtime.libraries)).raise_for_faults()


def _lock(policy: Policy, rules: LibraryRules) -> Lock:
    """The lock, its signature verified, without what is not hashed on every load."""
    try:
        data = read_small_file(rules.lock, what="lock of the libraries", most=_LOCK_BYTES_AT_MOST)
        lock = read_lock(data, StatementVerifier(policy, rules.signers))
    except (InvalidOptionError, InvalidBundleError, SignatureError) as error:
        raise PolicyError(LIBRARIES, f"the lock '{rules.lock}': {error}") from error
    if hashlib.sha256(data).hexdigest() in policy.revoked_digests:
        raise PolicyError(LIBRARIES, f"the lock '{rules.lock}' is revoked")
    return dataclasses.replace(lock, libraries=tuple(item for item in lock.libraries if item.name in ENGINE_LIBRARIES))


def _by(policy: Policy) -> dict[str, str]:
    return {"rule": LIBRARIES, "policy_sha256": policy.sha256}


def _alarm(policy: Policy, error: BaseException, incident: Incident) -> None:
    for failure in raise_alarm(incident, policy.alerts):
        error.add_note(f"an alert failed: {failure}")
