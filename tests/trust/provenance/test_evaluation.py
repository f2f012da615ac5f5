import math
from dataclasses import replace

from bridge.trust.provenance.evaluation import Evaluation, EvaluationVerdict, equivalence_evaluation, evaluation_statement
from bridge.trust.provenance.resource import Resource
from tests.trust.provenance.histories import PACKAGE
from verify.report.document import (
    Allowed,
    Backend,
    Case,
    Environment,
    Input,
    Metrics,
    Output,
    OutputVerdict,
    Report,
    Tool,
    Waiver,
)

FILE = Resource("reports/equivalence.json", digest={"sha256": "ab" * 32})
TOLERANCE = Allowed(1e-3, 1e-5)


def output(
    name: str = "z", *, max_abs: float = 1e-6, verdict: OutputVerdict = OutputVerdict.AGREES, waiver: Waiver | None = None
) -> Output:
    metrics = Metrics(elements=10, mismatches=0, max_abs=max_abs, max_rel=max_abs * 2)
    return Output(name=name, verdict=verdict, dtype="float32", tolerance=TOLERANCE, metrics=metrics, waiver=waiver)


def case(name: str, *outputs: Output, error: str = "") -> Case:
    return Case(case=name, backend="onnxruntime-cpu", reference="recorded", outputs=outputs, error=error)


def report(*cases: Case) -> Report:
    return Report(
        tool=Tool("cntk-bridge", "1"),
        created="2026-03-01T12:00:00Z",
        environment=Environment("3.11", "Linux", "", {}),
        inputs=(Input("digits", "cd" * 32, "ef" * 32),),
        backends=(Backend("onnxruntime-cpu", "1.20", "cpu"), Backend("onnxruntime-cuda", "1.20", "cuda:0")),
        cases=cases,
        seeds={"batch": 7},
    )


def test_report_that_holds_passes_with_its_figures() -> None:
    found = equivalence_evaluation(report(case("a", output()), case("b", output("y", max_abs=2e-6))), FILE)
    assert found.verdict is EvaluationVerdict.PASSED
    predicate = evaluation_statement("package", PACKAGE, found).predicate
    assert predicate["result"] == "PASSED"
    assert predicate["passedTests"] == ["a on onnxruntime-cpu", "b on onnxruntime-cpu"]
    assert [item["name"] for item in predicate["configuration"]] == ["reports/equivalence.json", "digits/tensors.npz"]
    summary = predicate["cntkbridge_summary"]
    assert summary["devices"] == ["cpu", "cuda:0"]
    assert summary["tolerances"] == {"float32": {"rtol": 1e-3, "atol": 1e-5}}
    assert summary["worst"] == {"maxAbs": 2e-6, "maxRel": 4e-6, "case": "b", "backend": "onnxruntime-cpu", "output": "y"}
    assert summary["seeds"] == {"batch": 7}


def test_report_that_differs_fails_by_the_name_of_the_case() -> None:
    found = equivalence_evaluation(report(case("a", output()), case("b", output(verdict=OutputVerdict.DIFFERS))), FILE)
    assert found.verdict is EvaluationVerdict.FAILED
    assert (found.passed, found.failed) == (("a on onnxruntime-cpu",), ("b on onnxruntime-cpu",))


def test_report_that_came_to_nothing_fails() -> None:
    assert equivalence_evaluation(report(case("a", error="no such input")), FILE).verdict is EvaluationVerdict.FAILED
    assert equivalence_evaluation(report(), FILE).verdict is EvaluationVerdict.FAILED


def test_output_that_was_waived_is_warned_of() -> None:
    waiver = Waiver(case="a", output="z", rtol=1, atol=1, reason="known", expires="2027-01-01", applied=True)
    found = equivalence_evaluation(report(case("a", output(verdict=OutputVerdict.WAIVED, waiver=waiver))), FILE)
    assert found.verdict is EvaluationVerdict.WARNED
    assert found.warned == ("a on onnxruntime-cpu",)


def test_numbers_that_json_lacks_are_text() -> None:
    bad = output(max_abs=math.nan, verdict=OutputVerdict.DIFFERS)
    found = equivalence_evaluation(report(case("a", output(), bad), case("b", output(max_abs=math.inf))), FILE)
    assert found.summary["worst"]["maxAbs"] == "nan"
    evaluation_statement("package", PACKAGE, found).to_bytes()


def test_other_kinds_of_test_are_stated_alike() -> None:
    evaluation = Evaluation("robustness", (FILE,), passed=("fgsm",), summary={"epsilon": 0.03})
    predicate = evaluation_statement("package", PACKAGE, evaluation).predicate
    assert (predicate["result"], predicate["cntkbridge_kind"]) == ("PASSED", "robustness")
    assert replace(evaluation, failed=("pgd",)).verdict is EvaluationVerdict.FAILED
