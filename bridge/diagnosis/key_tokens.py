"""Keys that never leave their hardware: the PKCS #11 library, and SoftHSM, which stands in for hardware in tests."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from bridge.diagnosis.finding import Finding, State

_SOFTHSM = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def examine_key_tokens() -> Iterator[Finding]:
    """What signing with a key on a token takes."""
    binding = importlib.util.find_spec("pkcs11") is not None
    yield Finding(
        "keys",
        "PKCS #11",
        State.WORKS if binding else State.MISSING,
        "keys on tokens can sign" if binding else "python-pkcs11 is not installed",
        "" if binding else "pip install 'cntk-bridge[hsm]', if your keys are on a token",
    )
    found = next((path for path in _SOFTHSM if Path(path).is_file()), None)
    if found is None:
        yield Finding("keys", "SoftHSM 2", State.MISSING, "not installed", "apt-get install softhsm2, to try it without hardware")
        return
    try:
        ctypes.CDLL(found)
    except OSError as error:
        yield Finding("keys", "SoftHSM 2", State.BROKEN, f"{found}: {error}", "install it anew")
    else:
        yield Finding("keys", "SoftHSM 2", State.WORKS, found)
