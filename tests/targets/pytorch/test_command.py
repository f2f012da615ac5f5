"""``bridge convert --to torch``, and losses among the outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from tests.cli.golden_folders import bridge
from tests.targets.pytorch.converted import GOLDEN


def test_folder_is_written_and_checked_on_its_golden_case(tmp_path: Path) -> None:
    case = GOLDEN / "digits_lenet"
    made = bridge(
        "convert", "--allow-unsigned", case / "model.dnn", "--to", "torch", "-o", tmp_path / "lenet", "--golden", case, "--json"
    )
    assert made.exit_code == 0, made.output
    assert sorted(path.name for path in (tmp_path / "lenet").iterdir()) == [
        "README.md",
        "interface.json",
        "model.py",
        "model.safetensors",
    ]
    interface = json.loads((tmp_path / "lenet" / "interface.json").read_text())
    assert interface["inputs"] == [{"name": "image", "dtype": "float32", "shape": ["N", 1, 8, 8], "optional": False}]


def test_folder_that_holds_something_is_kept_unless_force_is_given(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.py").write_text("precious")
    command = ("convert", "--allow-unsigned", GOLDEN / "digits_lenet" / "model.dnn", "--to", "torch", "-o", tmp_path / "out")
    assert bridge(*command).exit_code == 2
    assert (tmp_path / "out" / "model.py").read_text() == "precious"
    assert bridge(*command, "--force").exit_code == 0


def test_several_models_become_a_folder_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copy(GOLDEN / "digits_lenet" / "model.dnn", tmp_path / f"{name}.dnn")
    result = bridge(
        "convert", "--allow-unsigned", tmp_path / "a.dnn", tmp_path / "b.dnn", "--to", "torch", "-o", tmp_path / "out"
    )
    assert result.exit_code == 0, result.output
    assert "class A(nn.Module):" in (tmp_path / "out" / "a" / "model.py").read_text()
    assert "class B(nn.Module):" in (tmp_path / "out" / "b" / "model.py").read_text()


def test_loss_is_computed_where_it_is_asked_for(tmp_path: Path) -> None:
    import bridge as library

    result = library.convert(GOLDEN / "digits_with_heads" / "model.dnn", tmp_path / "out", target="torch", outputs=["z", "loss"])
    assert [port.name for port in result.outputs] == ["z", "loss"]
    module = library.load_torch(tmp_path / "out", allow_unsigned=True)
    images = torch.rand([4, 1, 8, 8], generator=torch.Generator().manual_seed(1))
    inputs = {"image": images, "label": torch.nn.functional.one_hot(torch.arange(4), 10).float()}
    outputs = module(**inputs)
    wanted = torch.nn.functional.cross_entropy(outputs["z"], torch.arange(4), reduction="none")
    torch.testing.assert_close(outputs["loss"].reshape(-1), wanted, rtol=1e-4, atol=1e-5)
