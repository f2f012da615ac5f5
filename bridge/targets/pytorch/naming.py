"""Names: CNTK's where they are given and Python can say them, plain ones otherwise."""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from typing import Final

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.program import Region
from bridge.targets.pytorch.simplification import ends

_TAKEN: Final = frozenset(("self", "math", "torch", "nn", "F", "Tensor", "step"))
"""Names that mean something else inside ``forward``."""
_MODULE_ATTRIBUTES: Final = frozenset(
    "T_destination add_module apply bfloat16 buffers bind call_super_init children compile cpu cuda double dump_patches eval "
    "extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half input_ranks ipu load_state_dict losses "
    "modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer "
    "register_forward_hook register_forward_pre_hook register_full_backward_hook register_load_state_dict_post_hook "
    "register_module register_parameter requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train "
    "training type xpu zero_grad "
    "add_submodule code delete_all_unused_submodules delete_submodule graph meta print_readable recompile to_folder".split()
)
"""Attributes of every ``nn.Module``, and of the modules that ``torch.export`` makes of them."""

_BY_TEMPLATE: Final = (
    ("torch.arange", "positions"),
    ("sequence_lengths(", "lengths"),
    ("real_steps(", "mask"),
    ("ragged_mask(", "ragged"),
    (" < ", "mask"),
    (" > ", "mask"),
    ("==", "mask"),
    ("softmax(", "weights"),
    (".sum(", "total"),
    (".mean(", "mean"),
    (".amax(", "greatest"),
    ("torch.sqrt(", "root"),
    ("torch.square(", "squares"),
)


def identifier(name: str) -> str:
    """A CNTK name as Python can say it; the empty string where nothing is left of it."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_")
    made = re.sub(r"__+", "_", made)
    if made[:1].isdigit():
        made = f"_{made}"
    return f"{made}_" if keyword.iskeyword(made) or made in _TAKEN or made in vars(builtins) else made


def is_usable(name: str) -> bool:
    """Whether an argument may be called that."""
    return (
        name.isidentifier()
        and name.isascii()
        and not keyword.iskeyword(name)
        and name not in _TAKEN
        and not name.startswith("__")
    )


def member_names(region: Region) -> dict[Member, str]:
    """The attributes of a region's class."""
    members = region.members()
    wanted = {member: identifier(member.cntk_name) or identifier(member.hint) or "part" for member in members}
    wanted = {member: f"{name}_" if name in _MODULE_ATTRIBUTES else name for member, name in wanted.items()}
    counts = Counter(wanted.values())
    found: dict[Member, str] = {}
    taken = {name for name, count in counts.items() if count == 1}
    for member, name in wanted.items():
        if counts[name] == 1:
            found[member] = name
            continue
        number = 1
        while f"{name}{number}" in taken:
            number += 1
        found[member] = f"{name}{number}"
        taken.add(found[member])
    return found


def value_names(region: Region, results: dict[Ref, str]) -> dict[Ref, str]:
    """What each value is called; ``results`` are the names of outputs.

    A result takes over the plain name of an operand that is not read again, so that a chain of layers reads ``x = ...; x = ...``.
    """
    last_read = _last_reads(region)
    names: dict[Ref, str] = dict(region.names)
    live: dict[str, int] = {name: last_read.get(ref, -1) for ref, name in names.items()}
    fixed = {identifier(name) for name in results.values()}
    for position, statement in enumerate(region.statements):
        for target in statement.targets:
            wanted = identifier(results.get(target, "")) or wanted_name(statement.expr, statement.hint)
            free = _free(wanted, live, position, fixed - {wanted} if target in results else fixed)
            names[target] = free
            live[free] = last_read.get(target, position)
    return names


def _last_reads(region: Region) -> dict[Ref, int]:
    """The position of the statement that reads a value last; results are read at the end."""
    found: dict[Ref, int] = {}
    for position, statement in enumerate(region.statements):
        found.update(dict.fromkeys((leaf for leaf in statement.reads() if isinstance(leaf, Ref)), position))
    end = len(region.statements)
    found.update(dict.fromkeys(ends(region), end + 1))
    if region.loop is not None:  # A loop reads its arguments at every step.
        found.update(dict.fromkeys((*region.arguments, *region.loop.slices), end + 1))
    return found


def wanted_name(expr: object, hint: str) -> str:
    """What a result would like to be called."""
    named = identifier(hint)
    if named:
        return named
    if isinstance(expr, Expr):
        for mark, name in _BY_TEMPLATE:
            if mark in expr.template:
                return name
    return "x"


def _free(wanted: str, live: dict[str, int], position: int, fixed: set[str]) -> str:
    number = 1
    while True:
        name = wanted if number == 1 else f"{wanted}{number}"
        if (name not in live or live[name] <= position) and name not in fixed:
            return name
        number += 1
