"""Reports of known content, large enough to look like real ones. Their figures are made up, and the same every time."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from verify.report.document import (
    Agreement,
    Allowed,
    Backend,
    Bisection,
    Case,
    Determinism,
    DeterminismVerdict,
    Environment,
    Histogram,
    Input,
    Layer,
    LayerVerdict,
    Metrics,
    Minimum,
    Model,
    Nearer,
    Output,
    OutputVerdict,
    Referee,
    Report,
    Reproduction,
    Tool,
    Waiver,
)

CASES = (
    "digits_lenet",
    "digits_with_heads",
    "resnet20",
    "lstm_tagger",
    "gru_encoder",
    "text_cnn",
    "wide_and_deep",
    "half_precision",
)
BACKENDS = ("onnxruntime-cpu", "torch-cpu")
EDGES = (0.0, *(10.0**exponent for exponent in range(-9, 2)), math.inf)
HOSTILE = "<script>alert(1)</script>\x00\x1b[31m\u202e|`*_&\"'\ud800\n# x"


def equivalent_report() -> Report:
    """Eight cases on two backends, all of which hold, one under a waiver."""
    generator = random.Random(7)  # noqa: S311 - figures for show, not keys.
    cases = tuple(_case(name, backend, generator) for name in CASES for backend in BACKENDS)
    waiver = Waiver(
        case="half_precision",
        output="z",
        rtol=0.05,
        atol=0.01,
        reason="kernels that sum in float16; looked at, and harmless for the ranking",
        expires="2026-12-14",
        applied=True,
    )
    waived = tuple(_waived(case, waiver) if case.case == waiver.case else case for case in cases)
    return Report(
        tool=Tool("cntk-bridge", "0.3.0"),
        created="2026-11-21T14:03:52Z",
        environment=Environment(
            "3.11.7", "Linux 6.1, glibc 2.36", "x86-64, AVX-512", {"numpy": "2.4.6", "onnxruntime": "1.31.1"}
        ),
        command="bridge check --golden golden --report reports --backend onnxruntime --backend torch",
        models=tuple(
            model
            for number, name in enumerate(CASES)
            for model in (
                Model("source", f"{name}/model.dnn", _digest(number), "CNTK v2"),
                Model("converted", f"{name}.onnx", _digest(number + 100), "ONNX"),
            )
        ),
        seeds={"inputs": 1, "bisection": 7},
        inputs=tuple(Input(name, _digest(number + 200), _digest(number)) for number, name in enumerate(CASES)),
        backends=(
            Backend("onnxruntime-cpu", "1.31.1", "cpu", {"intra_op_threads": "1", "optimisation": "all"}),
            Backend("torch-cpu", "2.13.0", "cpu", {"threads": "1"}),
        ),
        cases=waived,
        determinism=_determinism(),
        waivers=(waiver, replace(waiver, case="resnet20", applied=False, expires="2027-06-30", reason="no longer needed")),
    )


def different_report() -> Report:
    """As above, and ResNet-20 differs on one backend, with the search that found its culprit; one case came to nothing."""
    report = equivalent_report()
    cases = list(report.cases)
    place = next(number for number, case in enumerate(cases) if case.case == "resnet20")
    cases[place] = replace(cases[place], outputs=(_differing(cases[place].outputs[0]),))
    cases[-3] = replace(
        cases[-3], outputs=(), error="the graph of wide_and_deep holds an operator that the backend lacks: CumSum"
    )
    return replace(report, cases=tuple(cases), bisections=(_bisection(),))


def hostile_report() -> Report:
    """Every text that a model file or an error can bring in, as nasty as it gets."""
    report = different_report()
    case = replace(
        report.cases[0],
        case=HOSTILE,
        backend=HOSTILE,
        error=HOSTILE,
        note=HOSTILE,
        outputs=tuple(replace(output, name=HOSTILE, reason=HOSTILE, dtype=HOSTILE) for output in report.cases[0].outputs),
    )
    layers = tuple(replace(layer, node=HOSTILE, operator=HOSTILE, onnx_nodes=(HOSTILE,)) for layer in _bisection().layers)
    return replace(
        report,
        command=HOSTILE,
        cases=(case, *report.cases[1:]),
        models=(Model("source", HOSTILE, _digest(1), HOSTILE),),
        seeds={HOSTILE: 1},
        bisections=(replace(_bisection(), case=HOSTILE, backend=HOSTILE, layers=layers),),
        waivers=(replace(report.waivers[0], case=HOSTILE, reason=HOSTILE, expires=HOSTILE),),
        determinism=(replace(report.determinism[0], check=HOSTILE, detail=HOSTILE),),
    )


def _case(name: str, backend: str, generator: random.Random) -> Case:
    dtype = "float16" if name == "half_precision" else "float32"
    outputs = tuple(
        _output(output, dtype, generator) for output in (("z",) if name != "gru_encoder" else ("forward", "backward"))
    )
    return Case(case=name, backend=backend, reference="CNTK 2.7 CPU", seconds=generator.uniform(0.002, 0.09), outputs=outputs)


def _output(name: str, dtype: str, generator: random.Random) -> Output:
    allowed = Allowed(1e-3, 1e-5, "products of a few thousand terms lose three of seven digits in the worst order of summation")
    if dtype == "float16":
        allowed = Allowed(2e-2, 5e-3, "eleven bits of significand")
    used = 10 ** generator.uniform(-2.6, -0.4)
    scale = allowed.atol * used
    counts = [max(0, round(900 * math.exp(-((math.log10(scale) - place + 10) ** 2)))) for place in range(len(EDGES) - 1)]
    counts[0] += 140
    metrics = Metrics(
        elements=sum(counts),
        mismatches=0,
        max_abs=scale * 1.2,
        max_rel=used * 1e-4,
        mean_abs=scale / 9,
        max_ulp=float(generator.randrange(3, 40)),
        median_ulp=1.0,
        cosine=0.999999999873,
        sqnr_db=generator.uniform(105, 132),
        worst_index=(3, 7),
        worst_got=0.4978123,
        worst_recorded=0.4978119,
        minimum=Minimum(allowed.rtol * used, allowed.atol * used),
        histogram=Histogram(EDGES, tuple(counts)),
    )
    samples = generator.choice((50, 360, 1000))
    agreement = Agreement(
        samples=samples,
        classes=10,
        argmax_flips=0,
        explained_flips=0,
        unexplained_flips=0,
        flip_rate_upper=1 - 0.025 ** (1 / samples),
        top_k=5,
        top_k_set_agreement=1.0,
    )
    classifier = agreement if name == "z" else None
    referee = Referee(nearer=Nearer.OURS, our_error=scale, reference_error=scale * 1.4)
    return Output(
        name=name,
        verdict=OutputVerdict.AGREES,
        dtype=dtype,
        shape=(samples, 10),
        tolerance=allowed,
        metrics=metrics,
        agreement=classifier,
        referee=referee,
    )


def _waived(case: Case, waiver: Waiver) -> Case:
    outputs = []
    for output in case.outputs:
        assert output.metrics is not None
        metrics = replace(output.metrics, minimum=Minimum(0.034, 0.0085), mismatches=3)
        outputs.append(replace(output, verdict=OutputVerdict.WAIVED, waiver=waiver, metrics=metrics))
    return replace(case, outputs=tuple(outputs))


def _differing(output: Output) -> Output:
    assert output.metrics is not None
    assert output.agreement is not None
    metrics = replace(
        output.metrics,
        mismatches=212,
        max_abs=3.1e-2,
        max_rel=0.21,
        mean_abs=4.2e-3,
        worst_index=(0, 7),
        worst_got=0.4669,
        worst_recorded=0.4978,
        sqnr_db=31.2,
        minimum=Minimum(0.0606, 6.06e-4),
    )
    agreement = replace(output.agreement, argmax_flips=4, explained_flips=3, unexplained_flips=1, flip_rate_upper=0.0199)
    reason = "212 of 500 values differ (42.4 %); the worst at [0, 7]: got 0.4669, recorded 0.4978"
    return replace(output, verdict=OutputVerdict.DIFFERS, reason=reason, metrics=metrics, agreement=agreement)


def _bisection() -> Bisection:
    generator = random.Random(11)  # noqa: S311 - likewise.
    layers = []
    total = 2e-7
    for index in range(34):
        own = 10 ** generator.uniform(-7.4, -6.2)
        verdict = LayerVerdict.AGREES
        if index == 21:
            own, verdict = 2.4e-2, LayerVerdict.DIFFERS
        total = max(total * generator.uniform(0.9, 1.3), own)
        layers.append(
            Layer(
                index=index,
                node=f"Block{100 + 7 * index}",
                operator=("Convolution", "BatchNormalization", "ReLU", "Plus")[index % 4],
                onnx_nodes=(f"node_{index}",),
                shape=(4, 16, 32, 32),
                max_abs=total,
                max_rel=total * 3,
                cosine=0.99999,
                sqnr_db=min(130.0, -20 * math.log10(total)),
                forced_max_abs=0.0 if index % 4 == 2 else own,
                forced_max_rel=own * 2,
                allowed=1e-5 * (1 + index % 3),
                verdict=verdict,
            )
        )
    files = Reproduction("resnet20/reproduce.onnx", "resnet20/reproduce.npz", "resnet20/reproduce.py")
    return Bisection(case="resnet20", backend="onnxruntime-cpu", layers=tuple(layers), first_divergence=21, reproduction=files)


def _determinism() -> tuple[Determinism, ...]:
    identical, agrees = DeterminismVerdict.IDENTICAL, DeterminismVerdict.AGREES
    return (
        Determinism(
            check="repeat", backend="onnxruntime-cpu", verdict=identical, identical=True, max_abs=0.0, detail="three runs"
        ),
        Determinism(
            check="threads", backend="onnxruntime-cpu", verdict=agrees, identical=False, max_abs=2.4e-7, detail="1 and 8"
        ),
        Determinism(
            check="optimisation", backend="onnxruntime-cpu", verdict=agrees, identical=False, max_abs=4.8e-7, detail="off, all"
        ),
        Determinism(
            check="batch", backend="torch-cpu", verdict=identical, identical=True, max_abs=0.0, detail="one by one, all at once"
        ),
    )


def _digest(number: int) -> str:
    return f"{(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC834 % (1 << 128):032x}" * 2
