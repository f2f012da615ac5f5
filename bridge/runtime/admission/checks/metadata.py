"""Metadata of the file: ours alone. Engines take options of a session from some keys, as onnxruntime from ``ort_config``."""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.subject import Subject

METADATA: Final = "metadata"
OWN_PREFIX: Final = "cntk_bridge."


def check_metadata(subject: Subject) -> None:
    """Keys of the toolkit's own, each once."""
    seen: set[str] = set()
    for key, _ in subject.model.metadata:
        if not key.startswith(OWN_PREFIX):
            raise RefusedModelError(
                METADATA, "the metadata", expected=f"keys that begin with {OWN_PREFIX}", found=ascii(key[:200])
            )
        if key in seen:
            raise RefusedModelError(METADATA, "the metadata", expected="each key once", found=f"two {key[:200]!a}")
        seen.add(key)
