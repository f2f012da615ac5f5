import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InvalidOptionError, InvalidWaiverError
from tests.verify import onnx_models
from tests.verify.recorded_case import write_doubling_case
from verify.equivalence import OnnxRuntime, Rules, Tolerance, check_case, load_case
from verify.equivalence.rules import fits, parse_override
from verify.equivalence.waivers import read_waivers
from verify.report.document import Case, OutputVerdict, Waiver

TODAY = date(2026, 11, 21)
SOUND: dict[str, Any] = {
    "case": "doubling",
    "output": "y",
    "rtol": 1.0,
    "atol": 1.0,
    "reason": "squares are what the customer asked for",
    "expires": "2026-11-21",
}


def write_waivers(path: Path, *waivers: dict[str, Any], **changes: Any) -> Path:
    path.write_text(json.dumps({"format": "waivers/1", "waivers": list(waivers)} | changes))
    return path


def squares(folder: Path, *waivers: Waiver) -> Case:
    """A model that squares, on a case that recorded doubling."""
    backend = OnnxRuntime(onnx_models.write_model(folder / "m.onnx", onnx_models.SQUARING))
    return check_case(backend, load_case(write_doubling_case(folder / "doubling")), Rules(waivers=waivers))


def test_difference_within_a_waiver_is_waived_and_says_so(tmp_path: Path) -> None:
    waivers = read_waivers(write_waivers(tmp_path / "w.json", SOUND), TODAY)
    report = squares(tmp_path, *waivers)
    assert report.holds
    (output,) = report.outputs
    assert output.verdict is OutputVerdict.WAIVED
    assert output.waiver is not None
    assert (output.waiver.reason, output.waiver.applied) == (SOUND["reason"], True)
    assert "4 of 6 values differ" in output.reason


def test_difference_beyond_the_waiver_still_differs(tmp_path: Path) -> None:
    report = squares(tmp_path, Waiver(**SOUND | {"atol": 1e-5}))
    assert report.outputs[0].verdict is OutputVerdict.DIFFERS


@pytest.mark.parametrize("field", [{"case": "another"}, {"output": "z*"}])
def test_waiver_of_something_else_does_not_apply(tmp_path: Path, field: dict[str, str]) -> None:
    assert not squares(tmp_path, Waiver(**SOUND | field)).holds


def test_waiver_by_pattern_applies(tmp_path: Path) -> None:
    assert squares(tmp_path, Waiver(**SOUND | {"case": "doub*", "output": "*"})).holds


def test_output_that_agrees_needs_no_waiver(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING))
    case = load_case(write_doubling_case(tmp_path / "doubling"))
    output = check_case(backend, case, Rules(waivers=[Waiver(**SOUND)])).outputs[0]
    assert (output.verdict, output.waiver) == (OutputVerdict.AGREES, None)


def test_waiver_holds_on_its_last_day_and_no_longer(tmp_path: Path) -> None:
    path = write_waivers(tmp_path / "w.json", SOUND)
    assert len(read_waivers(path, TODAY)) == 1
    with pytest.raises(InvalidWaiverError, match=r"waivers\[0\], doubling y: expired on 2026-11-21; put the difference right"):
        read_waivers(path, date(2026, 11, 22))


def test_one_expired_waiver_refuses_the_file(tmp_path: Path) -> None:
    path = write_waivers(tmp_path / "w.json", SOUND, SOUND | {"expires": "2020-01-01"})
    with pytest.raises(InvalidWaiverError, match=r"waivers\[1\].*expired on 2020-01-01"):
        read_waivers(path, TODAY)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "because"}, "reason"),
        ({"reason": "           "}, "reason"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": "2026-02-30"}, "no day of the calendar"),
        ({"rtol": -1.0}, "rtol"),
        ({"rtol": "wide"}, "rtol"),
        ({"atol": None}, "atol"),
        ({"case": ""}, "case"),
        ({"until": "2030-01-01"}, "until"),
    ],
)
def test_waiver_out_of_form_is_refused(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidWaiverError, match=place):
        read_waivers(write_waivers(tmp_path / "w.json", SOUND | change), TODAY)


@pytest.mark.parametrize("field", sorted(SOUND))
def test_every_field_of_a_waiver_is_wanted(tmp_path: Path, field: str) -> None:
    waiver = {name: value for name, value in SOUND.items() if name != field}
    with pytest.raises(InvalidWaiverError, match=f"'{field}' is a required property"):
        read_waivers(write_waivers(tmp_path / "w.json", waiver), TODAY)


def test_yaml_is_read_with_numbers_and_days_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "format: waivers/1\nwaivers:\n"
        "- {case: doubling, output: y, rtol: 1e-2, atol: 0, reason: as agreed upon, expires: 2027-01-31}\n"
    )
    (waiver,) = read_waivers(path, TODAY)
    assert (waiver.rtol, waiver.atol, waiver.expires, waiver.applied) == (0.01, 0.0, "2027-01-31", False)


@pytest.mark.parametrize("text", ["format: waivers/2\nwaivers: []", "[]", "", "waivers: []"])
def test_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.yaml").write_text(text)
    with pytest.raises(InvalidWaiverError):
        read_waivers(tmp_path / "w.yaml", TODAY)


@pytest.mark.parametrize("text", ["{", "a: &x 1\nb: *x", "a: 1\na: 2", "!!python/object:os.system x"])
def test_file_that_is_no_plain_yaml_is_bad_usage(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.yaml").write_text(text)
    with pytest.raises(InvalidOptionError):
        read_waivers(tmp_path / "w.yaml", TODAY)


def test_infinity_cannot_be_waived(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path / "doubling"))
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.LOGARITHM))
    report = check_case(backend, case, Rules(waivers=[Waiver(**SOUND | {"rtol": 1e300, "atol": 1e300})]))
    assert report.outputs[0].verdict is OutputVerdict.DIFFERS


def test_narrower_tolerance_is_taken_and_explained(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING))
    rules = Rules(overrides=dict([parse_override("y*=1e-6,1e-8")]))
    (output,) = check_case(backend, load_case(write_doubling_case(tmp_path / "doubling")), rules).outputs
    assert output.tolerance is not None
    assert (output.tolerance.rtol, output.tolerance.atol) == (1e-6, 1e-8)
    assert output.tolerance.why.startswith("chosen for y*, narrower than rtol 1.0e-03")


def test_wider_tolerance_takes_a_waiver() -> None:
    with pytest.raises(InvalidOptionError, match="a wider one takes a waiver"):
        Rules(overrides={"y": Tolerance(1e-2, 1e-5)}).tolerance("y", "float32")


@pytest.mark.parametrize("text", ["y", "y=1", "=1,2", "y=a,b", "y=1,nan", "y=-1,0", "y=1,2,3", "y=inf,0"])
def test_tolerance_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptionError, match="expected OUTPUT=RTOL,ATOL"):
        parse_override(text)


@pytest.mark.parametrize("width", ["1e999", "1.01", 1e308])
def test_waiver_that_would_let_everything_pass_is_refused(tmp_path: Path, width: Any) -> None:
    text = json.dumps({"format": "waivers/1", "waivers": [SOUND | {"rtol": "WIDTH"}]}).replace('"WIDTH"', str(width))
    (tmp_path / "w.json").write_text(text)
    with pytest.raises((InvalidWaiverError, InvalidOptionError)):
        read_waivers(tmp_path / "w.json", TODAY)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("z[0]", "z[0]", True),
        ("z0", "z[0]", False),
        ("h.x[1]", "h.*[1]", True),
        ("za", "z?", False),
        ("z?", "z?", True),
        ("anything", "*", True),
    ],
)
def test_star_alone_stands_for_something_else(name: str, pattern: str, *, expected: bool) -> None:
    assert fits(name, pattern) is expected


def test_tolerance_of_no_output_is_refused_by_its_name() -> None:
    rules = Rules(overrides={"z": Tolerance(0.0, 0.0), "typo*": Tolerance(0.0, 0.0)})
    with pytest.raises(InvalidOptionError, match="tolerance typo\\*: no output has that name, only 'y', 'z'"):
        rules.refuse_unused({"z", "y"})
