"""Every bound on untrusted input, in one place, with its unit in its name.

The defaults are far above what any known model needs (the largest golden network has 189 functions and a nesting depth of 4) and
far below what would exhaust a small machine. See ``docs/hostile-input.md`` for the hazard behind each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a model file may state. Pass another instance to ``bridge.convert`` to change them."""

    file_bytes: int = 64 << 30
    nesting_depth: int = 32  # dictionaries in vectors in dictionaries; real files reach 4
    dictionary_values: int = 1_000_000  # all values of a file together
    dictionary_entries: int = 4096  # of one dictionary
    vector_elements: int = 1_000_000  # of one vector
    string_bytes: int = 64 << 10
    uid_bytes: int = 4 << 10
    functions: int = 100_000
    variables: int = 1_000_000
    function_inputs: int = 65_536
    rank: int = 32
    tensor_elements: int = 1 << 40
    inferred_elements: int = 1 << 36  # static elements of any intermediate value, per sample and step
    delay_steps: int = 65_536
    name_code_units: int = 4096  # v1 strings


DEFAULT_LIMITS = Limits()
