"""All checks, in the order in which they are applied: what later ones rely on comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.runtime.admission.checks.attributes import ATTRIBUTES, check_attributes
from bridge.runtime.admission.checks.calls import CALLS_CHECK, check_calls
from bridge.runtime.admission.checks.counts import COUNTS, check_counts
from bridge.runtime.admission.checks.external_data import (
    EXTERNAL_DATA,
    MEMORY_ADDRESS,
    check_external_data,
    check_memory_addresses,
)
from bridge.runtime.admission.checks.functions import FUNCTIONS, check_functions
from bridge.runtime.admission.checks.loops import LOOPS, check_loops
from bridge.runtime.admission.checks.made_bytes import MADE_BYTES, check_made_bytes
from bridge.runtime.admission.checks.metadata import METADATA, check_metadata
from bridge.runtime.admission.checks.names import NAMES, SHADOWED, check_names, check_shadowed_initializers
from bridge.runtime.admission.checks.noted_faults import check_parts, check_repeated_fields, check_unknown_fields
from bridge.runtime.admission.checks.operators import OPERATORS, check_operators
from bridge.runtime.admission.checks.signed_interface import SIGNED_INTERFACE, check_signed_interface
from bridge.runtime.admission.checks.tensors import (
    DIMENSIONS,
    TENSOR_DATA,
    TENSOR_TYPES,
    check_dimensions,
    check_tensor_data,
    check_tensor_types,
)
from bridge.runtime.admission.checks.versions import VERSIONS, check_versions
from bridge.runtime.admission.message import REFUSED_PART, REPEATED_FIELD, UNKNOWN_FIELD
from bridge.runtime.admission.subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """A rule by its name, which errors and the documentation give."""

    name: str
    function: Callable[[Subject], None]

    @property
    def sentence(self) -> str:
        """What the rule asks for."""
        first, *_ = (self.function.__doc__ or "").split("\n\n")
        return " ".join(first.split())


CHECKS: Final = (
    Check(UNKNOWN_FIELD, check_unknown_fields),
    Check(REPEATED_FIELD, check_repeated_fields),
    Check(REFUSED_PART, check_parts),
    Check(FUNCTIONS, check_functions),
    Check(COUNTS, check_counts),
    Check(VERSIONS, check_versions),
    Check(OPERATORS, check_operators),
    Check(METADATA, check_metadata),
    Check(ATTRIBUTES, check_attributes),
    Check(CALLS_CHECK, check_calls),
    Check(TENSOR_TYPES, check_tensor_types),
    Check(DIMENSIONS, check_dimensions),
    Check(TENSOR_DATA, check_tensor_data),
    Check(MEMORY_ADDRESS, check_memory_addresses),
    Check(EXTERNAL_DATA, check_external_data),
    Check(SHADOWED, check_shadowed_initializers),
    Check(NAMES, check_names),
    Check(SIGNED_INTERFACE, check_signed_interface),
    Check(LOOPS, check_loops),
    Check(MADE_BYTES, check_made_bytes),
)
