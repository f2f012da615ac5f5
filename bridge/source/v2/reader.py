"""A v2 file -> ``Model``: from the whole to the parts, every check before the first use."""

from __future__ import annotations

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import Function, Model, Variable
from bridge.limits import Limits
from bridge.source.v2.arrays import Payloads
from bridge.source.v2.attributes import check_attributes
from bridge.source.v2.container import read_layout
from bridge.source.v2.dictionary import Dictionary, DictionaryReader
from bridge.source.v2.functions import MAX_COMPOSITE_VERSION, read_function
from bridge.source.v2.hazards import find_hazards
from bridge.source.v2.old_versions import add_sample_count, restore_random_state
from bridge.source.v2.other_files import refuse_by_first_bytes, refuse_other_dictionaries
from bridge.source.v2.outputs import complete_outputs
from bridge.source.v2.records import check_version, elements, optional, read_uid, required
from bridge.source.v2.resolve import resolve_names
from bridge.source.v2.variables import read_variable


def read_v2(data: memoryview, limits: Limits) -> Model:
    """Read the model in ``data``, the bytes of a whole file; its weights are views of ``data``.

    ``Model.variables`` holds the leaves without CNTK's *edge breakers* (see ``resolve_names``). Raises ``NotAModelError``,
    ``UnsupportedVersionError``, ``InvalidModelError`` or ``LimitExceededError``, with the offset of the fault.
    """
    layout = read_layout(data)
    if layout.payloads is None:
        refuse_by_first_bytes(data)
    payloads = Payloads(data, limits, layout.payloads)
    dictionaries = DictionaryReader(data, limits, payloads)
    top = dictionaries.read_dictionary(layout.start, layout.end)
    refuse_other_dictionaries(top)
    composite_version = check_version(top, 1, MAX_COMPOSITE_VERSION, "composite functions")
    read_uid(top, limits)
    variables = _read_variables(top, limits)
    _check_payloads(payloads, variables, data)
    functions, function_version = _read_functions(top, variables, limits)
    leaves = resolve_names(functions, variables)
    return Model(
        format="v2",
        format_version=f"dictionary {dictionaries.version}, composite {composite_version}, function {function_version}",
        root=_read_root(top, functions),
        functions=functions,
        variables=leaves,
        name=optional(top, "name", str, ""),
        hazards=tuple(find_hazards(top, functions, leaves)),
    )


def _read_variables(top: Dictionary, limits: Limits) -> dict[str, Variable]:
    records = elements(top, "inputs", Dictionary)
    if len(records) > limits.variables:
        raise LimitExceededError("variables", limit=limits.variables, actual=len(records), offset=top.offset)
    variables: dict[str, Variable] = {}
    for record in records:
        variable = read_variable(record, limits)
        if variable.uid in variables:
            raise _duplicate("variables", variable.uid, variable.offset)
        variables[variable.uid] = variable
    return variables


def _read_functions(top: Dictionary, variables: dict[str, Variable], limits: Limits) -> tuple[dict[str, Function], int]:
    """All functions by uid, complete, and the highest version among them; constants that CNTK would add go to ``variables``."""
    records = elements(top, "primitive_functions", Dictionary)
    if len(records) > limits.functions:
        raise LimitExceededError("functions", limit=limits.functions, actual=len(records), offset=top.offset)
    functions: dict[str, Function] = {}
    highest = 0
    for record in records:
        version = required(record, "version", int)
        function, added = add_sample_count(read_function(record, limits), version)
        if function.uid in functions:
            raise _duplicate("functions", function.uid, function.offset)
        if added is not None:
            if added.uid in variables:
                raise _duplicate("variables", added.uid, added.offset)
            variables[added.uid] = added
        check_attributes(function, limits)
        functions[function.uid] = function
        highest = max(highest, version)
    return complete_outputs(restore_random_state(top, functions), limits), highest


def _read_root(top: Dictionary, functions: dict[str, Function]) -> str:
    root = required(top, "root", str)
    if root not in functions:
        raise InvalidModelError(
            "the root of the model is not in the list of functions", offset=top.offset, field="root", found=repr(root[:80])
        )
    return root


def _check_payloads(payloads: Payloads, variables: dict[str, Variable], data: memoryview) -> None:
    """In the container for large models: arrays must come in a defined order, and use up the file.

    The order is that of ``inputs``. Arrays elsewhere (in the state of user functions, in custom attributes) have none.
    """
    if payloads.position is None:
        return
    valued = sum(variable.value is not None for variable in variables.values())
    if payloads.arrays != valued:
        raise InvalidModelError(
            "a container for large models has arrays besides those of its parameters, whose order is undefined",
            expected=f"{valued} arrays",
            found=f"{payloads.arrays} arrays",
        )
    if payloads.position != len(data):
        raise InvalidModelError(
            "bytes are left over behind the last array", offset=payloads.position, found=f"{len(data) - payloads.position} bytes"
        )


def _duplicate(things: str, uid: str, offset: int) -> InvalidModelError:
    return InvalidModelError(f"two {things} have the same uid", offset=offset, field=uid[:80])
