"""The networks under attack: a small convolutional one, ways to spoil it, and its ONNX form, written node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tests.verify.robustness.digits import Digits
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.attacks.scores import Array
from verify.robustness.threat import Norm, Threat

_WEIGHTS = Path(__file__).with_name("networks.npz")
Adversary = Callable[[nn.Module, Tensor, Tensor], Tensor]


class DigitsNetwork(nn.Module):
    """Two convolutions and two dense layers over ``image``, with ``front`` before and ``back`` behind them."""

    def __init__(self, front: Callable[[Tensor], Tensor] | None = None, back: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.front, self.back = front, back
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        logits = self.layers(image if self.front is None else self.front(image))
        return {"z": logits if self.back is None else self.back(logits)}


def train(digits: Digits, *, epochs: int, adversary: Adversary | None = None) -> DigitsNetwork:
    """Trained with seeds of its own on one thread, so that every machine has nearly the same network."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = DigitsNetwork()
        optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
        images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.labels)
        for _ in range(epochs):
            for batch in torch.split(torch.randperm(len(images)), 64):
                x = images[batch] if adversary is None else adversary(network, images[batch], labels[batch])
                loss = nn.functional.cross_entropy(network(x)["z"], labels[batch])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    torch.set_num_threads(threads)
    return network.eval()


def stored(name: str) -> DigitsNetwork:
    """The network "standard" or "hardened", the latter trained against ``hardening``: ``test_training`` does it again.

    Stored, so that every machine tests with the same weights.
    """
    network = DigitsNetwork()
    with np.load(_WEIGHTS) as archive:
        weights = {key: torch.from_numpy(archive[f"{name}/{key}"].astype(np.float32)) for key in network.state_dict()}
    network.load_state_dict(weights)
    return network.eval()


def hardening(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """The adversary that the hardened network was trained against."""
    network.eval()
    moved = pgd(lambda point, rows: network(point)["z"], x, labels, Threat(Norm.LINF, 0.2, 0.0, 1.0), PgdSettings(7))  # noqa: ARG005
    network.train()
    return moved


def spoilt(
    network: DigitsNetwork, front: Callable[[Tensor], Tensor] | None = None, back: Callable[[Tensor], Tensor] | None = None
) -> DigitsNetwork:
    """The same weights behind ``front`` and before ``back``."""
    copy = DigitsNetwork(front, back)
    copy.load_state_dict(network.state_dict())
    return copy.eval()


def run_of(network: nn.Module) -> Callable[[Mapping[str, Array]], Mapping[str, Array]]:
    """The module as something that is served."""

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        with torch.no_grad():
            found = network(**{name: torch.from_numpy(value) for name, value in feeds.items()})
        return {name: value.numpy() for name, value in found.items()}

    return run


def session_of(network: DigitsNetwork, *, wrong: float = 0.0) -> Callable[[Mapping[str, Array]], Mapping[str, Array]]:
    """The network in onnxruntime on one thread; ``wrong`` disturbs its first weights, as a broken conversion would."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(_onnx(network, wrong), options, providers=["CPUExecutionProvider"])
    return lambda feeds: {"z": np.asarray(session.run(["z"], dict(feeds))[0])}


def _onnx(network: DigitsNetwork, wrong: float) -> bytes:
    weights = {name: value.numpy().copy() for name, value in network.layers.state_dict().items()}
    weights["0.weight"] += wrong * np.random.default_rng(0).standard_normal(weights["0.weight"].shape).astype(np.float32)
    pads = [1, 1, 1, 1]
    nodes = [
        helper.make_node("Conv", ["image", "0.weight", "0.bias"], ["a"], pads=pads),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "2.weight", "2.bias"], ["c"], pads=pads),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "6.weight", "6.bias"], ["g"], transB=1),
        helper.make_node("Relu", ["g"], ["h"]),
        helper.make_node("Gemm", ["h", "8.weight", "8.bias"], ["z"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
