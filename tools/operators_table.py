"""Writes docs/operators.md from the registry of lowerings: ``python -m tools.operators_table``.

What each operator becomes is said once, where it is lowered, so the table cannot tell another story. A test keeps it up to date.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from bridge.graph.blocks import kept_blocks
from bridge.graph.network import dissolve
from bridge.graph.operators import OPERATOR_IDS, USER_DEFINED
from bridge.lower.refusals import LEGACY
from bridge.lower.registry import LOWERINGS, REFUSALS
from bridge.source import read_model

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = ROOT / "docs" / "operators.md"

DISSOLVED: Final = {
    "Combine": "nothing: its operands are the outputs",
    "Block": "what is inside; a few blocks are kept whole, see below",
}
"""Operators that are gone before anything is lowered."""

_HEAD: Final = """\
# Operators

What becomes of each of CNTK's operators. This file is generated from the registry (`python -m tools.operators_table`), and a test
fails when it is out of date. "Cases" counts the recorded models under `golden/` that hold the operator; those of none have tests.

"Exact" means: CNTK's own rules, edge cases included, up to the rounding of sums. float16 runs in float32 between casts, rounded
after every node as CNTK rounds; the result of a conversion lists the nodes. `--plain-math` drops CNTK's rules for log 0, division
by 0 and the like.
"""
_KEPT: Final = """\
A block is its inside. These are recognised by their inside and become one operator; all others dissolve into the operators above.
"""
_REFUSED: Final = """\
A conversion that needs one of these lists it, with its reason, and writes nothing. Outputs that do not need it convert.
"""
_LEGACY: Final = """\
Nodes of the v1 format are read as the operators above, which express most of them. Those that they do not express are refused by
the name that v1 gives them, some only in the form that the reason states.
"""


def operators_in_cases() -> Counter[str]:
    """In how many recorded models each operator (or kept block) occurs."""
    found: Counter[str] = Counter()
    for path in sorted((ROOT / "golden").rglob("model.dnn")):
        model = read_model(memoryview(path.read_bytes()))
        nodes = dissolve(model, kept_blocks(model)).nodes.values()
        found.update({node.op for node in nodes} | {function.op for function in model.functions.values()})
    return found


def render(cases: Counter[str]) -> str:
    """The text of docs/operators.md."""
    converted = [name for name in OPERATOR_IDS if name in LOWERINGS or name in DISSOLVED]
    refused = [*(name for name in OPERATOR_IDS if name in REFUSALS), USER_DEFINED]
    blocks = [name for name in LOWERINGS if name not in OPERATOR_IDS]
    sections = [
        _HEAD,
        "## Converted\n",
        _rows(("Operator", "Id", "ONNX", "Exactness", "Cases"), [_converted(name, cases) for name in converted]),
        "## Blocks kept whole\n",
        _KEPT,
        _rows(("Block", "ONNX", "Exactness", "Cases"), [_block(name, cases) for name in sorted(blocks)]),
        "## Refused\n",
        _REFUSED,
        _rows(("Operator", "Id", "Reason", "Way out", "Cases"), [_refused(name, cases) for name in refused]),
        _LEGACY,
        _rows(("v1 operator", "Reason", "Way out"), [(name, kept.reason, kept.advice) for name, kept in LEGACY.items()]),
    ]
    return "\n".join(sections)


def _converted(name: str, cases: Counter[str]) -> tuple[str, ...]:
    entry = LOWERINGS.get(name)
    onnx, exactness = (DISSOLVED[name], "exact") if entry is None else (entry.onnx, entry.exactness)
    return name, str(OPERATOR_IDS[name]), onnx, exactness, str(cases[name])


def _block(name: str, cases: Counter[str]) -> tuple[str, ...]:
    entry = LOWERINGS[name]
    return name.removeprefix("Block:"), entry.onnx, entry.exactness, str(cases[name])


def _refused(name: str, cases: Counter[str]) -> tuple[str, ...]:
    refused = REFUSALS[name]
    return name, str(OPERATOR_IDS.get(name, "")), refused.reason, refused.advice, str(cases[name])


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    TABLE.write_text(render(operators_in_cases()), encoding="utf-8")
