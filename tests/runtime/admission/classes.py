"""The 22 classes of attack on whoever loads ONNX models, where each is published, and what answers it here.

``python -m tests.runtime.admission.classes`` writes ``docs/runtime/attack-classes.md`` from this and from the attacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.runtime.admission.registry import CHECKS
from tests.runtime.admission.attacks import ATTACKS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "runtime" / "attack-classes.md"


@dataclass(frozen=True)
class AttackClass:
    """``answer`` is in words where no check of the model's file is meant; ``tests`` are of what the file does not decide."""

    number: int
    title: str
    published: str
    answer: str = ""
    tests: tuple[str, ...] = ()


LOADING = "tests/runtime/test_loading.py"
CONTRACT = "tests/runtime/test_contract.py"

CLASSES = (
    AttackClass(1, "Data outside of the package: `../`, absolute paths, drives, shares", "CVE-2022-25882, CVE-2024-27318"),
    AttackClass(
        2,
        "Symbolic links, to files and folders",
        "CVE-2026-27489, CVE-2026-34447",
        "files are opened beneath the package's descriptor, links never followed",
        (f"{LOADING}::test_link_in_a_package_is_refused", f"{LOADING}::test_folder_that_is_a_link_within_the_package_is_refused"),
    ),
    AttackClass(
        3,
        "Hard links to files outside",
        "CVE-2026-34446",
        "a file with a second name is refused",
        (f"{LOADING}::test_link_in_a_package_is_refused",),
    ),
    AttackClass(
        4,
        "The file is replaced between verification and use",
        "",
        "files are read once into sealed memory, verified there, and handed to the engine from there; no path reaches it",
        (
            f"{LOADING}::test_what_replaces_a_file_after_verification_is_not_loaded",
            f"{LOADING}::test_weights_beside_the_model_come_from_memory",
        ),
    ),
    AttackClass(5, "A data file that nothing binds to the model; a `checksum` that nobody enforces", "ONNX's documentation"),
    AttackClass(6, "Injected keys of external data, negative and huge ranges", "CVE-2026-34445"),
    AttackClass(
        7,
        "Files overwritten while a model is loaded or saved",
        "CVE-2025-51480, CVE-2024-5187, CVE-2024-7776",
        "the loader writes nothing and unpacks nothing",
        (f"{LOADING}::test_loading_opens_no_file_for_writing_and_no_connection",),
    ),
    AttackClass(
        8,
        "Trust bypassed on download",
        "CVE-2026-28500",
        "the loader takes folders, no addresses, and opens no connection",
        (f"{LOADING}::test_loading_opens_no_file_for_writing_and_no_connection",),
    ),
    AttackClass(9, "Addresses in the engine's memory as locations", "onnxruntime #28709"),
    AttackClass(10, "`EPContext` nodes with vendors' binaries", "onnxruntime #28605, #28725, #28099"),
    AttackClass(
        11,
        "Custom operators, shared libraries, Python operators, `.ort` files",
        "modelaudit #140; onnxruntime #28186, #29068",
        "no argument anywhere takes a library; the engine is told to read ONNX alone",
    ),
    AttackClass(
        12,
        "Options of a session in the model's metadata",
        "`ort_config`",
        "the variable that makes the engine read them is removed",
        (f"{LOADING}::test_settings_of_the_engine_in_the_environment_are_removed",),
    ),
    AttackClass(
        13,
        "Memory faults in kernels that a model can reach",
        "CVE-2024-27319; onnxruntime #27265, #27699, #27903, #28175, #28706",
        "onnxruntime 1.31 or later; isolated workers (`docs/runtime-isolation.md`)",
    ),
    AttackClass(
        14,
        "Time and memory in parsing and in making the graph: nesting, counts, exponential functions, overflows",
        "onnxruntime #4585, #4349",
        "loading has a deadline",
        (
            f"{LOADING}::test_model_that_loads_for_ever_is_given_up_in_time",
            f"{LOADING}::test_deadline_of_loading_is_an_error_of_time",
            "tests/runtime/admission/test_admission_fuzz.py",
        ),
    ),
    AttackClass(
        15,
        "Control flow without end",
        "",
        "deadlines of calls",
        ("tests/runtime/test_in_process.py::test_caller_with_a_timeout_is_released_on_time_and_the_next_call_succeeds",),
    ),
    AttackClass(
        16,
        "Memory bombs when the model runs",
        "",
        "bounds of symbolic dimensions and of all inputs and outputs; a worker's memory limit",
        (
            f"{CONTRACT}::test_departure_is_named_with_what_was_expected_and_found",
            f"{LOADING}::test_first_run_that_fails_stops_the_loading",
        ),
    ),
    AttackClass(17, "Tensors with two values: one for the scanner, one for the engine", "MediumIQ's dual-data models"),
    AttackClass(18, "Unknown fields, trailing bytes, files that are two things", ""),
    AttackClass(
        19,
        "Backdoors in the architecture, of admitted operators",
        "PAIT-ONNX-200, JFrog",
        "`compare_with_reconversion` converts the signed source again and compares bit for bit",
        (f"{LOADING}::test_second_path_through_the_network_differs_from_what_the_source_gives",),
    ),
    AttackClass(20, "Names twice; weights that a caller may override", ""),
    AttackClass(
        21,
        "Rollback, models and weights of different packages, claims taken away",
        "in-toto's bundle format",
        "the policy's rules `rollback`, `minimum-version`, `claims`; digests in the interface",
        (
            f"{LOADING}::test_version_below_the_minimum_is_refused",
            f"{LOADING}::test_package_that_lost_its_claims_is_refused",
            f"{LOADING}::test_parts_of_two_packages_do_not_pass_for_one",
        ),
    ),
    AttackClass(
        22,
        "Hostile requests: NaN and infinity, wrong types and shapes, huge batches, bodies of JSON",
        "CVE-2025-23319; Triton #8936",
        "the contract on every call; the server's own limits on bodies",
        (f"{CONTRACT}::test_departure_is_named_with_what_was_expected_and_found",),
    ),
)


def page() -> str:
    """The whole page."""
    lines = [
        "# Attack classes",
        "",
        "What is known to be done to those who load ONNX models, and what answers it here. This file is generated from the tests",
        "(`python -m tests.runtime.admission.classes`), and a test fails when it is out of date.",
        "",
        "Every attack on a model's file is refused by the check that is named, and passes when that check is switched off:",
        "`tests/runtime/admission/test_attack_classes.py` shows both. In brackets stand checks that would refuse it too, and are",
        "switched off with it.",
        "",
        "| | class | published | answer | attacks that are tried |",
        "| --- | --- | --- | --- | --- |",
        *(_row(each) for each in CLASSES),
        "",
        "## The checks",
        "",
        "In the order in which they are applied. `wire-format` comes before them all: bytes that are no protobuf message in its",
        "plainest form, or nested deeper than `ModelLimits.wire_depth`, are refused while they are read.",
        "",
        "| check | asks for |",
        "| --- | --- |",
        *(f"| `{check.name}` | {check.sentence} |" for check in CHECKS),
        "",
    ]
    return "\n".join(lines)


def _row(each: AttackClass) -> str:
    attacks = [attack for attack in ATTACKS if attack.number == each.number]
    checks = list(dict.fromkeys(attack.check for attack in attacks))
    answers = [f"checks {', '.join(f'`{name}`' for name in checks)}" if checks else "", each.answer]
    tried = [
        f"{attack.name}: `{attack.check}`" + (f" [{', '.join(attack.also)}]" if attack.also else "") for attack in attacks
    ] + [f"`{test.rpartition('::')[2]}`" for test in each.tests]
    answer = "; ".join(filter(None, answers))
    return f"| {each.number} | {each.title} | {each.published} | {answer} | {'<br>'.join(tried)} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
