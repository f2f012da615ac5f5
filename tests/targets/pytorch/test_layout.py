"""Generated statements are laid out as ruff lays them out: calls of calls, and short sums of them."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.targets.pytorch.layout import WIDTH, laid_out

NAMES = ("x", "lengths", "self.block1", "hidden_state", "torch", "weights", "a")
FUNCTIONS = ("F.relu", "torch.cat", "self.convolution", "masked", "x.reshape", "torch.where")


def _expression(draw: random.Random, depth: int) -> str:
    if depth == 0 or draw.random() < 0.25:
        return draw.choice((*NAMES, "1.0", '"quoted, (text"', "(2, 3)"))
    arguments = [_expression(draw, depth - 1) for _ in range(draw.randint(1, 4))]
    if draw.random() < 0.3:
        arguments.append(f"dim={draw.randint(0, 3)}")
    return f"{draw.choice(FUNCTIONS)}({', '.join(arguments)})"


def _statement(draw: random.Random) -> str:
    kind = draw.random()
    value = _expression(draw, 3)
    if kind < 0.6:
        return f"{draw.choice(('x', 'hidden', 'x, y'))} = {value}"
    if kind < 0.8:
        return f"return {value}"
    return f"x = {_expression(draw, 1)} + {draw.choice(NAMES)}"


@pytest.mark.parametrize("seed", range(4))
def test_statements_are_laid_out_as_ruff_would(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)  # noqa: S311 - a test draws its own examples
    lines = ["def forward():"]
    for _ in range(120):
        lines += laid_out(_statement(draw), 4)
    written = tmp_path / "written.py"
    written.write_text("\n".join(lines) + "\n")
    complaint = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", f"--line-length={WIDTH}", str(written)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert complaint.returncode == 0, complaint.stdout


@pytest.mark.parametrize("seed", range(50))
def test_layout_changes_no_token_of_a_statement(seed: int) -> None:
    statement = _statement(random.Random(seed))  # noqa: S311 - as above
    if statement.startswith("return"):
        statement = statement.replace("return", "x =", 1)
    laid = "\n".join(laid_out(statement, 0))
    assert ast.dump(ast.parse(laid)) == ast.dump(ast.parse(statement))


def test_a_long_signature_is_opened() -> None:
    lines = laid_out("def forward(self, first: Tensor, second: Tensor, lengths: Tensor | None = None) -> dict[str, Tensor]:", 4)
    assert lines[0] == "    def forward("
    assert lines[-1] == "    ) -> dict[str, Tensor]:"
    assert all(len(line) <= WIDTH for line in lines)
