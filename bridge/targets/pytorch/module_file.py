"""The text of ``model.py``."""

from __future__ import annotations

import re

from bridge.targets.pytorch.building import Program
from bridge.targets.pytorch.program import Region
from bridge.targets.pytorch.simplification import regions_of
from bridge.targets.pytorch.snippet_source import snippet_names, snippets
from bridge.targets.pytorch.source import ClassSource, FunctionSource


def module_text(program: Program, heading: str) -> str:
    """Imports, snippets, losses, classes; the model last."""
    class_names, kept = _class_names(program.root)
    functions = function_names(program)
    parts = ["\n".join(FunctionSource(region, name).lines()) for region, name in functions.items()]
    by_output = dict(zip((region.outputs[0] for region in program.losses), functions.values(), strict=True))
    parts += ["\n".join(ClassSource(region, class_names, by_output if region is program.root else {}).lines()) for region in kept]
    # A statement that asked for a snippet may have been simplified away since.
    wanted = {name for name in program.snippets if any(re.search(rf"\b{name}\b", part) for part in parts)}
    body = "\n\n\n".join([*snippets(wanted), *parts]) + "\n"
    return "\n".join([f'"""{heading}"""', "", *_imports(body), "", "", body])


def _class_names(root: Region) -> tuple[dict[Region, str], list[Region]]:
    """A name for each class, and the classes to write, those that are used before those that use them."""
    names: dict[Region, str] = {}
    kept: list[Region] = []
    taken: set[str] = set()
    for region in regions_of(root):
        if region in names:
            continue
        wanted, number = region.name, 1
        while f"{wanted}{number if number > 1 else ''}" in taken:
            number += 1
        names[region] = f"{wanted}{number if number > 1 else ''}"
        taken.add(names[region])
        kept.append(region)
    return names, kept


def function_names(program: Program) -> dict[Region, str]:
    """What the functions of losses are called, beside the classes and snippets of the module."""
    class_names, _ = _class_names(program.root)
    taken = {*class_names.values(), *snippet_names()}
    names: dict[Region, str] = {}
    for region in program.losses:
        name = region.name
        while name in taken:
            name += "_"
        taken.add(name)
        names[region] = name
    return names


def _imports(body: str) -> list[str]:
    lines = []
    if "math." in body:
        lines.append("import math")
    if "Callable[" in body:
        lines.append("from collections.abc import Callable")
    if "ClassVar[" in body:
        lines.append("from typing import ClassVar")
    if lines:
        lines.append("")
    if "torch." in body:
        lines.append("import torch")
    lines.append("from torch import Tensor, nn")
    if "F." in body:
        lines.append("from torch.nn import functional as F")
    return lines
