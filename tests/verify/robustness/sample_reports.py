"""Reports without a test behind them."""

from __future__ import annotations

import numpy as np

from verify.report.document import Environment, Model, Tool
from verify.robustness.document import (
    Attack,
    Check,
    CheckStatus,
    CurvePoint,
    Data,
    Distances,
    Example,
    Gate,
    Kind,
    Parity,
    Queries,
    RobustnessReport,
    Side,
    ThreatModel,
    ThreatResult,
)
from verify.robustness.png import png_text
from verify.robustness.statistics import Share


def sample_report(
    *, raised: bool = False, missed: bool = False, name: str = "digits", norms: tuple[str, ...] = ("linf",)
) -> RobustnessReport:
    """A pass, with a sign that is raised or a gate that is missed where wanted; ``name`` appears wherever a name can.

    There is a result for each of ``norms``.
    """
    whole = Share.of(97, 100)
    return RobustnessReport(
        tool=Tool("cntk-bridge", "0.1.0"),
        created="2026-01-31T12:00:00Z",
        environment=Environment("3.11", "Linux", "a processor", {"numpy": "2"}),
        command=f"bridge attack {name}",
        models=(Model("converted", name, "0" * 64, "ONNX"),),
        seeds={"attacks": 0},
        tier="smoke",
        data=Data("1" * 64, 100, 10, name, name, (1, 8, 8), "float32"),
        sides=(Side("served", name, whole), Side("twin", name, whole)),
        results=tuple(_result(norm, name, raised=raised, missed=missed) for norm in norms),
        seconds=9.5,
    )


def _result(norm: str, name: str, *, raised: bool, missed: bool) -> ThreatResult:
    share, whole, none = Share.of(11, 100), Share.of(97, 100), Share.of(0, 100)
    picture = png_text(np.zeros((8, 8), np.uint8))
    status = CheckStatus.RAISED if raised else CheckStatus.CLEAR
    attack = Attack(
        name=name,
        kind=Kind.BLACK_BOX,
        norm=norm,
        epsilon=0.15,
        seed=0,
        library=name,
        robust=share,
        success=Share.of(86, 97),
        twin_robust=share,
        reach=0.15,
        distances=Distances(0.02, 0.1, 0.14),
        queries=Queries(32, 500),
        seconds=1.5,
        settings={name: name},
    )
    return ThreatResult(
        threat=ThreatModel(norm, 0.15, 0.0, 1.0),
        attacks=(attack,),
        worst=share,
        distances=Distances(0.02, 0.1, 0.14),
        curve=(CurvePoint(0.0, whole, whole), CurvePoint(0.15, share, share), CurvePoint(0.5, none, none)),
        checks=(Check("zero gradients", status, f"seen in {name}"), Check("randomness", CheckStatus.NOTED, "a little")),
        parity=Parity(
            twin_robust=share,
            served_robust=share,
            transferred=Share.of(86, 86),
            flips=Share.of(0, 100),
            ties=1,
            greatest_difference=1e-6,
            probability=1.0,
            holds=True,
        ),
        gates=(Gate("floor", 0.5 if missed else 0.05, 0.06, not missed, f"of {name}"),),
        examples=(
            Example(
                sample=3,
                attack=name,
                label=1,
                adversarial_class=7,
                distance=0.15,
                clean=picture,
                perturbation=picture,
                adversarial=picture,
            ),
        ),
        seconds=9.5,
    )
