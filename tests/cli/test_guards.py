"""``bridge guards fit``, and what ``bridge run`` makes of the guards: the commands of ``docs/guards.md``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from bridge.cli.app import app
from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.runtime.guards.configuration import load_guards
from bridge.runtime.guards.learning import FitOptions, FittedGuards, fit_guards
from bridge.runtime.guards.writing import write_guards
from bridge.trust.policy.document import policy_for
from tests.runtime.guards.digits_guards import digits, junk
from tests.runtime.packages import golden_package

PAGE = Path(__file__).parents[2] / "docs" / "guards.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's example begins with: a package and clean samples; and inputs for it."""
    folder = tmp_path_factory.mktemp("digits")
    golden_package("digits_lenet", folder / "package")
    np.savez(folder / "clean.npz", x=digits(), y=np.zeros(len(digits())))
    np.savez(folder / "image.npz", image=digits()[1700:1701])
    np.savez(folder / "junk.npz", image=junk())
    return folder


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--allow-unsigned"])


def options(**more: Any) -> FitOptions:
    return FitOptions(policy_for(), allow_unsigned=True, **more)


def test_the_pages_example_does_what_the_page_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    block = re.search(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    commands = [line[2:].split("#")[0].split() for line in block.group(1).splitlines() if line.startswith("$ bridge")]
    assert [words[1] for words in commands] == ["guards", "run", "run"]
    fitted, answered, refused = (command(*words[1:]) for words in commands)
    assert (fitted.exit_code, answered.exit_code, refused.exit_code) == (0, 0, 3), fitted.output
    document = yaml.safe_load((place / "guards" / "guards.yaml").read_text())
    assert [entry["kind"] for entry in document["guards"]] == ["range", "envelope", "distribution"]
    assert "behind the guards range, envelope, distribution" in answered.output
    assert "refused by the guard" in refused.output
    for line in block.group(1).splitlines():
        if line.startswith("│"):
            assert " ".join(line.split()) in " ".join(fitted.output.split()), "the page's table is that of the command"


def test_a_refusal_for_machines_names_the_guard(place: Path, tmp_path: Path) -> None:
    (tmp_path / "guards.yaml").write_text("guards: [{kind: range, input: image, maximum: 0.1, name: dark}]")
    found = command(
        "run", str(place / "package"), "-i", str(place / "junk.npz"), "--guards", str(tmp_path / "guards.yaml"), "--json"
    )
    document = json.loads(found.stdout)
    assert (found.exit_code, document["error"], document["guard"], document["input"]) == (3, "GuardRefusedError", "dark", "image")


def test_the_rates_are_those_of_samples_that_nothing_was_fitted_on(place: Path, tmp_path: Path) -> None:
    found = command(
        "guards", "fit", str(place / "package"), "--data", str(place / "clean.npz"), "-o", str(tmp_path / "g"),
        "--false-alarm-rate", "0.05", "--kind", "distribution", "--json",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["samples"] == {"fitted": 898, "calibrated": 449, "measured": 450}
    alone, together = document["false_alarms"]
    assert (alone["guard"], together["guard"], alone["refused"]) == ("distribution", "together", together["refused"])
    assert 0.02 < alone["refused"] / 450 < 0.09
    assert alone["refused"] / 450 < alone["upper_95"] < 0.12
    assert document["sha256"] == load_guards(tmp_path / "g" / "guards.yaml").sha256


def test_guards_that_stand_are_kept_unless_told_otherwise(place: Path, tmp_path: Path) -> None:
    arguments = [
        "guards",
        "fit",
        str(place / "package"),
        "--data",
        str(place / "clean.npz"),
        "-o",
        str(tmp_path),
        "--kind",
        "range",
    ]
    assert command(*arguments).exit_code == 0
    before = (tmp_path / "guards.yaml").stat().st_mtime_ns
    refused = command(*arguments)
    assert (refused.exit_code, (tmp_path / "guards.yaml").stat().st_mtime_ns) == (2, before)
    assert command(*arguments, "--force").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guards.yaml"]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": np.zeros(20)}, "no tensor 'x'"),
        ({"x": np.zeros((20, 8, 8))}, r"samples of shape \[20, 8, 8\]"),
        ({"x": np.zeros((4, 1, 8, 8))}, "4 clean samples; expected at least 8"),
        ({"x": np.full((40, 1, 8, 8), np.nan)}, "not finite"),
    ],
)
def test_samples_that_cannot_be_used_are_refused(place: Path, tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InvalidInputsError, match=said):
        fit_guards(place / "package", tmp_path / "x.npz", options())


def test_a_rate_that_the_samples_cannot_support_is_refused(place: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=digits()[:100])
    with pytest.raises(InvalidOptionError, match=r"25 samples for a rate of false alarm of 0\.01; expected at least 100"):
        fit_guards(place / "package", tmp_path / "x.npz", options())


def test_ranges_and_envelopes_survive_their_file_to_the_last_digit(place: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=digits()[:100] * np.float32(1e-5))
    fitted: FittedGuards = fit_guards(place / "package", tmp_path / "x.npz", options(kinds=("range", "envelope")))
    write_guards(fitted, tmp_path / "guards")
    assert load_guards(tmp_path / "guards" / "guards.yaml").entries == fitted.entries
    assert fitted.entries[0]["maximum"] == pytest.approx(1.1e-5)


def test_a_sequence_networks_guards_are_fitted_on_what_its_layer_sees(tmp_path: Path) -> None:
    package = golden_package("lstm_tagger", tmp_path / "package")
    words = np.random.default_rng(0).random((60, 4, 80), np.float32)
    np.savez(tmp_path / "x.npz", words=words, lengths=np.full(60, 4))
    fitted = fit_guards(package, tmp_path / "x.npz", options(false_alarm_rate=0.1))
    assert fitted.bank is not None
    assert fitted.entries[-1]["features"].endswith("Transpose_1")
    assert fitted.false_alarms[-1].asked == 15
