"""load_torch runs code: when it does, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import bridge
from bridge.errors import InvalidPackageError, UnsignedCodeError
from tests.targets.pytorch.converted import converted


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted("digits_lenet", tmp_path_factory.mktemp("lenet") / "module").folder


def copy_of(folder: Path, place: Path) -> Path:
    place.mkdir()
    for path in folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return place


def test_unsigned_folder_is_refused_and_its_code_not_run(written: Path, tmp_path: Path) -> None:
    folder = copy_of(written, tmp_path / "copy")
    (folder / "model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UnsignedCodeError, match="no signature covers it; pass allow_unsigned=True"):
        bridge.load_torch(folder)
    assert not (tmp_path / "ran").exists()


def test_changed_source_is_refused_even_where_unsigned_is_allowed(written: Path, tmp_path: Path) -> None:
    folder = copy_of(written, tmp_path / "copy")
    with (folder / "model.py").open("a") as file:
        file.write(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(InvalidPackageError, match=r"model\.py is not the file that was converted"):
        bridge.load_torch(folder, allow_unsigned=True)
    assert not (tmp_path / "ran").exists()


def test_changed_weights_are_refused(written: Path, tmp_path: Path) -> None:
    folder = copy_of(written, tmp_path / "copy")
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(InvalidPackageError, match="safetensors is not the file that was converted"):
        bridge.load_torch(folder, allow_unsigned=True)


@pytest.mark.parametrize("name", ["model.py", "model.safetensors", "interface.json"])
def test_missing_file_is_named(written: Path, tmp_path: Path, name: str) -> None:
    folder = copy_of(written, tmp_path / "copy")
    (folder / name).unlink()
    with pytest.raises(InvalidPackageError, match=f"cannot read .*{name}"):
        bridge.load_torch(folder, allow_unsigned=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "cntk-bridge/pytorch/1"}', '{"format": "other", "class": "Model"}'])
def test_interface_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "interface.json").write_text(text)
    with pytest.raises(InvalidPackageError, match=r"interface\.json"):
        bridge.load_torch(tmp_path, allow_unsigned=True)


def test_class_that_the_source_does_not_define_is_named(written: Path, tmp_path: Path) -> None:
    folder = copy_of(written, tmp_path / "copy")
    interface = json.loads((folder / "interface.json").read_text())
    interface["class"] = "Tensor"
    (folder / "interface.json").write_text(json.dumps(interface))
    with pytest.raises(InvalidPackageError, match="defines no module named 'Tensor'"):
        bridge.load_torch(folder, allow_unsigned=True)


def test_weights_are_a_safetensors_file_that_others_read(written: Path) -> None:
    from safetensors import safe_open

    with safe_open(written / "model.safetensors", "np") as file:
        assert file.get_tensor("conv1.weight").shape == (16, 1, 3, 3)
        assert file.metadata() == {"format": "pt"}
