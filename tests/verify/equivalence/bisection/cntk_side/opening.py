"""The inside of a model's blocks, taken out one block at a time so that CNTK evaluates it.

CNTK evaluates the outputs of a model and what lies in the open before them. What lies in a block it evaluates as a part of the
block alone. So the placeholders of a block are bound to input variables, which are fed with what CNTK computed before the block.
"""

from typing import Any, Dict, Iterator, List

import cntk


def level(roots: List[Any]) -> Dict[str, cntk.Function]:
    """The functions that `roots` need, by uid; blocks are taken as a whole."""
    found = {}  # type: Dict[str, cntk.Function]
    pending = list(roots)
    while pending:
        function = pending.pop()
        function = function.root_function if function.is_composite else function
        if function.uid not in found:
            found[function.uid] = function
            pending.extend(variable.owner for variable in function.inputs if variable.is_output)
    return found


def outputs(functions: Dict[str, cntk.Function]) -> List[Any]:
    """The variables that functions make; a combination makes none of its own."""
    found = {}
    for function in functions.values():
        for variable in function.outputs if function.op_name != "Combine" else ():
            found[variable.uid] = variable
    return list(found.values())


def blocks(functions: Dict[str, cntk.Function]) -> Iterator[cntk.Function]:
    """The blocks among functions."""
    return (function for function in functions.values() if function.is_block)


def bind(block: cntk.Function, known: Dict[str, Any]) -> Dict[str, Any]:
    """Bind the placeholders of a block to input variables; what to feed them is returned by their uids.

    `known` holds the values of the block's arguments by uid. Parameters and constants are bound as they are. Raises KeyError
    where the value of an argument is not known.
    """
    bindings, feed = {}, {}
    for placeholder, argument in block.block_arguments_mapping:
        if argument.is_parameter or argument.is_constant:
            bindings[placeholder] = argument
            continue
        value = known[argument.uid]
        stand_in = cntk.input_variable(argument.shape, argument.dtype, dynamic_axes=list(argument.dynamic_axes))
        bindings[placeholder], feed[stand_in.uid] = stand_in, value
    block.block_root.replace_placeholders(bindings)
    return feed
