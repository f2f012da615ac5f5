"""Loss heads as functions of generated source: what CNTK computes, apart from the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import bridge
from bridge.errors import InvalidOptionError, UnknownOutputError
from bridge.targets.pytorch.folder import write_torch
from bridge.targets.pytorch.translation import Names
from tests.lower.graphs import SEQUENCE, Graph

GOLDEN = Path(__file__).parents[3] / "golden"
HEADS = GOLDEN / "digits_with_heads" / "model.dnn"


def _losses(module: torch.nn.Module) -> dict[str, Callable[..., torch.Tensor]]:
    return cast("dict[str, Callable[..., torch.Tensor]]", module.losses)


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(7, 1, 8, 8, generator=generator)
    classes = torch.randint(10, (7,), generator=generator)
    return images, classes, torch.nn.functional.one_hot(classes, 10).float()


def test_a_loss_leaves_forward_and_takes_its_labels_along(tmp_path: Path) -> None:
    result = bridge.convert(HEADS, tmp_path / "module", target="torch", losses=["loss", "error"])
    assert [port.name for port in result.inputs] == ["image"]
    assert [port.name for port in result.outputs] == ["z"]
    assert result.left_out == ()
    described = json.loads((tmp_path / "module" / "interface.json").read_bytes())
    assert described["losses"] == [
        {"name": "loss", "function": "loss", "arguments": ["z", "label"]},
        {"name": "error", "function": "error", "arguments": ["z", "label"]},
    ]
    assert described["metadata"]["cntk_bridge.options.losses"] == "loss, error"


def test_losses_are_those_that_their_definitions_give(tmp_path: Path) -> None:
    bridge.convert(HEADS, tmp_path / "module", target="torch", losses=["loss", "error"])
    module = bridge.load_torch(tmp_path / "module", allow_unsigned=True)
    images, classes, label = _batch()
    z = module(image=images)["z"]
    loss, error = (_losses(module)[name](z=z, label=label) for name in ("loss", "error"))
    torch.testing.assert_close(loss[:, 0], torch.nn.functional.cross_entropy(z, classes, reduction="none"))
    assert error[:, 0].tolist() == [float(a != b) for a, b in zip(z.argmax(1).tolist(), classes.tolist(), strict=True)]


def test_a_loss_apart_equals_the_same_loss_as_an_output(tmp_path: Path) -> None:
    bridge.convert(HEADS, tmp_path / "apart", target="torch", losses=["loss"])
    bridge.convert(HEADS, tmp_path / "within", target="torch", outputs=["z", "loss"])
    apart, within = (bridge.load_torch(tmp_path / name, allow_unsigned=True) for name in ("apart", "within"))
    images, _, label = _batch()
    expected = within(image=images, label=label)
    assert torch.equal(_losses(apart)["loss"](apart(image=images)["z"], label), expected["loss"])


def test_a_loss_over_ragged_sequences_leaves_padding_out(tmp_path: Path) -> None:
    graph = Graph()
    steps, label = graph.input("steps", (3,), SEQUENCE), graph.input("label", (4,), SEQUENCE)
    z = graph.op("Times", graph.parameter(np.linspace(-1, 1, 12).reshape(3, 4)), steps, outputRank=1, name="z")
    loss = graph.op("CrossEntropyWithSoftmax", z, label, name="loss")
    write_torch(graph.lower(z, loss), Names(), tmp_path, losses=["loss"])
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    given = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(3))
    classes = torch.arange(10).reshape(2, 5) % 4
    scores = module(steps=given, lengths=torch.tensor([5, 2]))["z"]
    described = json.loads((tmp_path / "interface.json").read_bytes())["losses"]
    values = {"z": scores, "steps": given, "lengths": torch.tensor([5, 2])}
    values["label"] = torch.nn.functional.one_hot(classes, 4).float()
    found = _losses(module)["loss"](**{name: values[name] for name in described[0]["arguments"]})
    wanted = torch.nn.functional.cross_entropy(scores.flatten(0, 1), classes.flatten(), reduction="none").reshape(2, 5)
    torch.testing.assert_close(found, wanted[0].sum() + wanted[1, :2].sum())


def test_constants_of_a_loss_are_written_into_it(tmp_path: Path) -> None:
    graph = Graph()
    x, label = graph.input("x", (3,)), graph.input("label", (3,))
    z = graph.op("ElementTimes", x, graph.parameter([1.0, 2.0, 3.0]), name="z")
    weighted = graph.op("ElementTimes", graph.op("Minus", z, label), graph.constant([0.5, -1.0, 1e30]), name="loss")
    write_torch(graph.lower(z, weighted), Names(), tmp_path, losses=["loss"])
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    found = _losses(module)["loss"](torch.ones(1, 3), torch.tensor([[0.0, 3.0, 1.0]]))
    assert found.tolist() == [[0.5, 2.0, 0.0]]
    assert list(module.state_dict()) != []


def test_gradients_flow_from_the_loss_into_the_network(tmp_path: Path) -> None:
    bridge.convert(HEADS, tmp_path / "module", target="torch", losses=["loss"])
    module = bridge.load_torch(tmp_path / "module", allow_unsigned=True).train()
    images, _, label = _batch()
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    falling = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = _losses(module)["loss"](module(image=images)["z"], label).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        falling.append(loss.item())
    assert falling[-1] < 0.5 * falling[0]


def test_the_usage_example_of_a_folder_with_losses_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.convert(HEADS, tmp_path / "module", target="torch", losses=["loss"])
    text = (tmp_path / "module" / "README.md").read_text()
    example = text.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path / "module")
    monkeypatch.syspath_prepend(str(tmp_path / "module"))
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - the converter's own text
    assert isinstance(names["loss"], torch.Tensor)
    assert names["loss"].shape == (2, 1)


def test_a_loss_over_inner_values_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match=r"inside the network.*--output z"):
        bridge.convert(HEADS, tmp_path / "module", target="torch", outputs=["error"], losses=["z"])
    assert not (tmp_path / "module").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"losses": ["loss"], "target": "onnx"}, "functions of PyTorch source"),
        ({"losses": "loss", "target": "torch"}, "expected a list of names"),
        ({"losses": ["loss"], "outputs": ["z", "loss"], "target": "torch"}, "as an output and as a loss"),
        ({"losses": ["loss", "loss"], "target": "torch"}, "asked for twice"),
        ({"losses": ["label"], "target": "torch"}, "computes nothing"),
    ],
)
def test_a_contradictory_request_is_refused(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidOptionError, match=sentence):
        bridge.convert(HEADS, tmp_path / "out", **arguments)  # type: ignore[arg-type]


def test_an_unknown_loss_is_named_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UnknownOutputError, match="'los'"):
        bridge.convert(HEADS, tmp_path / "out", target="torch", losses=["los"])
