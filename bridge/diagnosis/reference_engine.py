"""The real CNTK 2.7: whether it is installed. Its files are hashed by ``bridge reference status``, which takes longer."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.diagnosis.finding import Finding, State
from bridge.errors import BridgeError
from bridge.reference.environment import default_root, external_from_variables, installed_environment

_ADVICE = "`bridge reference install`, if you want to record golden cases"


def examine_reference_engine() -> Iterator[Finding]:
    """The engine that was installed, or the one that the environment's variables name."""
    root = default_root()
    try:
        installed = installed_environment(root)
        external = external_from_variables() if installed is None else None
    except BridgeError as error:
        yield Finding("reference", "CNTK 2.7", State.BROKEN, str(error), "`bridge reference install` makes it anew")
        return
    if installed is not None:
        yield Finding("reference", "CNTK 2.7", State.WORKS, f"installed in {root}; `bridge reference status` hashes it")
    elif external is not None:
        yield Finding("reference", "CNTK 2.7", State.WORKS, "the one that BRIDGE_CNTK_PYTHON names, which is not pinned")
    else:
        yield Finding("reference", "CNTK 2.7", State.MISSING, "not installed", _ADVICE)
