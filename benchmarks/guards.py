"""What each input guard costs, and how often it is right: on clean, noisy, adversarial and adaptive inputs.

``python benchmarks/guards.py`` on the digits' network of ``golden/``; ``docs/guards.md`` quotes the table. A guard's figure is
the share of samples that it refuses, one by one; on clean samples that it was not fitted on, that is its rate of false alarm. A
sanitiser refuses nothing: its figure is the accuracy behind it. "adaptive" knows the guard: it differentiates through a sanitiser
as through the identity, and draws features towards those of clean samples against the distribution guard.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.errors import GuardRefusedError
from bridge.harden.classifier import Classifier, logits_of
from bridge.harden.options import Training
from bridge.harden.perturbation import ascend
from bridge.harden.samples import Array, Samples
from bridge.harden.twin import serving_model
from bridge.runtime.admission.reading import read_model
from bridge.runtime.features import cut_at, features_model, last_layer_input
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.distribution import DistributionGuard, Features
from bridge.runtime.guards.fitting import fit_bank, fit_envelope
from bridge.runtime.guards.guard import Call, Guard, Kind
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.jpeg import JpegSqueeze
from bridge.runtime.limits import ModelLimits
from tests.harden.digits import EPSILON, INTERFACE, digits, twin
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.losses import margin
from verify.robustness.threat import Norm, Threat

ASKED = 300
REPEATS = 300
THREAT = Threat(Norm.LINF, EPSILON, 0.0, 1.0)
STEPS = PgdSettings(steps=40)
PULLS = (1.0, 3.0, 10.0, 30.0)
"""How much the adaptive attacker weighs features against the class: all are tried."""


class Straight(torch.autograd.Function):
    """A sanitiser on the way forth, the identity on the way back."""

    @staticmethod
    def forward(ctx: object, x: Tensor, guard: Guard) -> Tensor:
        """The sanitised input."""
        del ctx
        return torch.from_numpy(np.ascontiguousarray(guard.apply(x.detach().numpy())))

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient as it is."""
        del ctx
        return gradients[0], None


class Sanitised:
    """A network behind a sanitiser, as its attacker differentiates it."""

    def __init__(self, classifier: Classifier, guard: Guard) -> None:
        self.classifier = classifier
        self.guard = guard

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits ``[N, C]``."""
        sanitised: Tensor = Straight.apply(x, self.guard)  # type: ignore[no-untyped-call]
        logits: Tensor = self.classifier(sanitised, rows)
        return logits


class Bench:
    """The network, its samples, and the inputs that guards are shown."""

    def __init__(self) -> None:
        self.classifier = Classifier(twin().module(), "image", "z")
        whole = digits()
        order = np.random.default_rng(0).permutation(len(whole))
        self.known = whole.at(order[: len(whole) - ASKED])
        self.asked: Samples = whole.at(order[len(whole) - ASKED :])
        self.x, self.labels = torch.tensor(self.asked.x), torch.tensor(self.asked.y)
        self.features = _features(ir.to_proto(serving_model(twin().model)).SerializeToString())
        self.penultimate: list[Tensor] = []
        last = next(module for name, module in self.classifier.module.named_modules() if name == "z")
        last.register_forward_pre_hook(self._remember)

    def _remember(self, module: object, given: tuple[Tensor, ...]) -> None:
        del module
        self.penultimate[:] = given[:1]

    def guards(self) -> list[Guard]:
        """All of them, fitted on half of the known samples and calibrated on the other."""
        half = len(self.known) // 2
        known, others = (self.features(Call({"image": x})) for x in (self.known.x[:half], self.known.x[half:]))
        bank = fit_bank(known, others, false_alarm_rate=0.01)
        return [
            InterfaceGuard(INTERFACE.inputs[0]),
            fit_envelope("image", self.known.x),
            BitDepthSqueeze("image", 2),
            JpegSqueeze("image", 75),
            DistributionGuard("image", self.features, bank),
        ]

    def inputs(self) -> dict[str, Array]:
        """What no attacker who knows of guards has made."""
        draw = np.random.default_rng(1)
        noisy = np.clip(self.asked.x + draw.normal(0, 0.15, self.asked.x.shape), 0, 1).astype(np.float32)
        return {
            "clean": self.asked.x,
            "noisy": noisy,
            "junk": draw.uniform(0, 1, self.asked.x.shape).astype(np.float32),
            "0 to 255": self.asked.x * 255,
            "PGD": pgd(self.classifier, self.x, self.labels, THREAT, STEPS, seed=1).numpy(),
        }

    def adaptive(self, guard: Guard) -> Array:
        """The attack of who knows the guard."""
        if guard.kind is Kind.SANITISER:
            return pgd(Sanitised(self.classifier, guard), self.x, self.labels, THREAT, STEPS, seed=1).numpy()
        if isinstance(guard, DistributionGuard):
            return self._towards(guard)
        return pgd(self.classifier, self.x, self.labels, THREAT, STEPS, seed=1).numpy()

    def _towards(self, guard: DistributionGuard) -> Array:
        """Every step towards another class, and towards the nearest clean features; the weight that fools most unseen."""
        found = [self._pulled(guard, weight) for weight in PULLS]
        return max(found, key=lambda value: self.unseen(guard, value))

    def _pulled(self, guard: DistributionGuard, weight: float) -> Array:
        bank = torch.tensor(guard.bank.features)

        def loss(logits: Tensor, labels: Tensor) -> Tensor:
            features = torch.nn.functional.normalize(self.penultimate[-1].flatten(1), dim=1)
            near = (features @ bank.T).topk(guard.bank.neighbours, dim=1).values[:, -1]
            return margin(logits, labels).clamp_max(1.0) + weight * near

        training = Training(EPSILON, 0.0, 1.0, steps=100, step=0.04)
        return ascend(self.classifier, self.x, self.labels, training, torch.Generator().manual_seed(1), loss=loss).numpy()

    def unseen(self, guard: Guard, value: Array) -> float:
        """The share that is misclassified and yet let through."""
        fooled = logits_of(self.classifier, value).argmax(axis=1) != self.asked.y
        return float(np.mean([wrong and not _refuses(guard, value[i : i + 1]) for i, wrong in enumerate(fooled)]))

    def accuracy(self, x: Array) -> float:
        """The share that the network has right."""
        return float((logits_of(self.classifier, x).argmax(axis=1) == self.asked.y).mean())

    def refused(self, guard: Guard, x: Array) -> float:
        """The share that the guard refuses, one sample to a request."""
        return float(np.mean([_refuses(guard, x[index : index + 1]) for index in range(len(x))]))


def _features(model: bytes) -> Features:
    """What the network computes before its last layer, in a session of one thread."""
    graph = read_model(memoryview(model), ModelLimits()).graph
    value = last_layer_input(graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    part = features_model(memoryview(model), cut_at(graph, value))
    session = onnxruntime.InferenceSession(part, options, providers=["CPUExecutionProvider"])
    return lambda call: np.asarray(session.run([value], dict(call.inputs))[0])


def _refuses(guard: Guard, value: Array) -> bool:
    try:
        guard.apply(value)
    except GuardRefusedError:
        return True
    return False


def microseconds(guard: Guard, value: Array) -> float:
    """The median time of one request."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        guard.apply(value)
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1e6


def row(bench: Bench, guard: Guard, inputs: Mapping[str, Array]) -> str:
    """One line of the table."""
    shown: list[str] = []
    for value in (*inputs.values(), bench.adaptive(guard)):
        if guard.kind is Kind.GUARD:
            shown.append(f"{bench.refused(guard, value):.3f}")
        else:
            shown.append(f"{bench.accuracy(guard.apply(value)):.3f}")
    if guard.kind is Kind.GUARD:
        shown[-1] += f" ({bench.unseen(guard, value):.3f} fooled unseen)"
    one = bench.asked.x[:1]
    return f"| {guard.name} | {guard.kind.value} | {microseconds(guard, one):.0f} | {' | '.join(shown)} |"


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    bench = Bench()
    inputs = bench.inputs()
    print(f"| guard | kind | µs | {' | '.join(inputs)} | adaptive |")
    print("| --- " * (len(inputs) + 4) + "|")
    print(f"| (none) | accuracy | 0 | {' | '.join(f'{bench.accuracy(value):.3f}' for value in inputs.values())} | |")
    for guard in bench.guards():
        print(row(bench, guard, inputs))


if __name__ == "__main__":
    main()
