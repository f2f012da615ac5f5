from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from bridge.errors import GuardRefusedError, InvalidInputError, InvalidOptionError, InvalidPackageError
from bridge.package.interface import Tensor
from bridge.runtime.guards import reference_bank
from bridge.runtime.guards.distribution import DistributionGuard
from bridge.runtime.guards.fitting import fit_bank, fit_envelope
from bridge.runtime.guards.guard import Array
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.reference_bank import ReferenceBank, unit_rows

RNG = np.random.default_rng(7)
CLEAN = RNG.normal([[[[0.2]], [[0.8]]]], 0.1, (400, 2, 6, 6)).astype(np.float32)
RANGE = InterfaceGuard(Tensor("x", "float32", ("N", 2, 6, 6), minimum=-1.0, maximum=2.0))


@pytest.mark.parametrize(
    "value",
    [
        CLEAN.astype(np.float64),
        CLEAN[:, :1],
        CLEAN[0],
        CLEAN * 255,
        CLEAN - 5,
        np.where(CLEAN > 0.5, np.nan, CLEAN).astype(np.float32),
        np.where(CLEAN > 0.9, np.inf, CLEAN).astype(np.float32),
    ],
)
def test_the_range_guard_refuses_wrong_types_shapes_scales_and_values_that_are_not_finite(value: Array) -> None:
    with pytest.raises(GuardRefusedError, match="range"):
        RANGE.apply(value)


def test_a_refusal_is_an_invalid_input_with_the_guards_name() -> None:
    with pytest.raises(InvalidInputError) as caught:
        RANGE.apply(CLEAN * 255)
    assert isinstance(caught.value, GuardRefusedError)
    assert (caught.value.guard, caught.value.name) == ("range", "x")


def test_clean_samples_pass_every_guard_as_the_same_object() -> None:
    assert RANGE.apply(CLEAN) is CLEAN
    assert fit_envelope("x", CLEAN).apply(CLEAN) is CLEAN


def test_the_envelope_catches_a_scaled_an_inverted_and_a_blank_channel() -> None:
    envelope = fit_envelope("x", CLEAN)
    for spoilt in (CLEAN * 1.5, 1 - CLEAN, CLEAN * np.asarray([1, 0], np.float32)[:, None, None]):
        for sample in spoilt[:20]:
            with pytest.raises(GuardRefusedError, match="channel"):
                envelope.apply(sample[None])


def test_the_envelope_names_the_one_sample_and_channel_that_is_out_of_bounds() -> None:
    spoilt = CLEAN[:5].copy()
    spoilt[3, 1] += 4
    with pytest.raises(GuardRefusedError, match=r"mean of channel 1 .* in sample 3"):
        fit_envelope("x", CLEAN).apply(spoilt)


def test_the_envelope_refuses_what_is_not_a_number_and_other_channels() -> None:
    envelope = fit_envelope("x", CLEAN)
    spoilt = CLEAN[:1].copy()
    spoilt[0, 0, 0, 0] = np.nan
    for value in (spoilt, CLEAN[:1, :1]):
        with pytest.raises(GuardRefusedError):
            envelope.apply(value)


def test_the_threshold_holds_its_rate_of_false_alarm_on_fresh_samples() -> None:
    draw = np.random.default_rng(3)
    bank = fit_bank(draw.normal(1, 1, (500, 8)), draw.normal(1, 1, (1000, 8)), false_alarm_rate=0.05)
    fresh = bank.distances(draw.normal(1, 1, (4000, 8)))
    assert 0.03 < (fresh > bank.threshold).mean() < 0.075


def test_the_threshold_refuses_exactly_the_share_of_the_calibration_samples() -> None:
    draw = np.random.default_rng(5)
    calibration = draw.normal(1, 1, (300, 8))
    bank = fit_bank(draw.normal(1, 1, (200, 8)), calibration, false_alarm_rate=0.01)
    assert (bank.distances(calibration) > bank.threshold).sum() == 3


def test_distances_are_those_to_the_kth_nearest_by_brute_force() -> None:
    draw = np.random.default_rng(9)
    known, asked = draw.normal(0, 1, (30, 4)), draw.normal(0, 1, (10, 4))
    bank = ReferenceBank(unit_rows(known), 1.0, 3, 0.01, 100)
    apart = np.linalg.norm(unit_rows(asked)[:, None].astype(float) - unit_rows(known)[None], axis=2)
    assert np.allclose(bank.distances(asked), np.sort(apart, axis=1)[:, 2], atol=1e-3)


def test_the_distribution_guard_refuses_features_from_elsewhere() -> None:
    draw = np.random.default_rng(11)
    bank = fit_bank(draw.normal(3, 1, (200, 16)), draw.normal(3, 1, (200, 16)))
    guard = DistributionGuard("x", lambda call: call.inputs["x"], bank)
    passed = draw.normal(3, 1, (4, 16))
    assert guard.apply(passed) is passed
    for spoilt in (-passed, np.zeros((1, 16)), np.full((1, 16), np.nan)):
        with pytest.raises(GuardRefusedError, match="distribution"):
            guard.apply(spoilt)


def test_a_rate_that_the_samples_cannot_support_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="at least 1000"):
        fit_bank(RNG.normal(size=(50, 4)), RNG.normal(size=(200, 4)), false_alarm_rate=0.001)


def test_a_bank_survives_its_file() -> None:
    bank = fit_bank(RNG.normal(size=(50, 4)), RNG.normal(size=(100, 4)))
    again = ReferenceBank.from_bytes(bank.to_bytes())
    assert (again.features == bank.features).all()
    assert (again.threshold, again.neighbours, again.false_alarm_rate) == (bank.threshold, bank.neighbours, bank.false_alarm_rate)


def test_no_change_to_a_banks_bytes_raises_anything_but_a_refusal() -> None:
    data = fit_bank(RNG.normal(size=(6, 4)), RNG.normal(size=(100, 4))).to_bytes()
    draw = np.random.default_rng(1)
    refused = 0
    for _ in range(400):
        spoilt = bytearray(data)
        spoilt[int(draw.integers(len(data)))] ^= 1 << int(draw.integers(8))
        try:
            ReferenceBank.from_bytes(bytes(spoilt[: int(draw.integers(1, len(data) + 1))] if draw.random() < 0.3 else spoilt))
        except InvalidPackageError:
            refused += 1
    assert refused > 200


def bank_of(**arrays: Any) -> bytes:
    """A file like a bank, with these arrays in place of its own."""
    known = {"features": np.eye(3, dtype=np.float32), "threshold": 0.5, "neighbours": 1, "false_alarm_rate": 0.01}
    buffer = io.BytesIO()
    np.savez(buffer, **{**known, "calibration_samples": 100, **arrays}, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "arrays",
    [
        {"features": np.array([{"a": 1}], dtype=object)},
        {"features": np.eye(3)},
        {"features": np.zeros((3, 0), np.float32)},
        {"features": np.full((3, 3), np.nan, np.float32)},
        {"threshold": np.nan},
        {"neighbours": 4},
        {"neighbours": [1, 2]},
        {"more": 1},
    ],
)
def test_an_archive_that_is_no_bank_is_refused(arrays: dict[str, Any]) -> None:
    assert ReferenceBank.from_bytes(bank_of()).neighbours == 1
    with pytest.raises(InvalidPackageError):
        ReferenceBank.from_bytes(bank_of(**arrays))


@pytest.mark.parametrize("shape", ["(99999, 999999)", "(-3, -3)", "(3, 2)", "(3, 3, 1)"])
def test_a_header_that_promises_what_the_file_does_not_hold_is_refused(shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    forged = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + np.eye(3, dtype=np.float32).tobytes()
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bank_of())) as honest, zipfile.ZipFile(made, "w") as archive:
        for name in honest.namelist():
            archive.writestr(name, forged if name == "features.npy" else honest.read(name))
    with pytest.raises(InvalidPackageError, match="the reference bank"):
        ReferenceBank.from_bytes(made.getvalue())


def test_a_bank_in_parts_gives_the_distances_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(4)
    bank = fit_bank(draw.normal(1, 1, (50, 8)), draw.normal(1, 1, (200, 8)))
    asked = draw.normal(1, 1, (33, 8))
    whole = bank.distances(asked)
    monkeypatch.setattr(reference_bank, "_PRODUCTS_AT_ONCE", 350)
    np.testing.assert_allclose(bank.distances(asked), whole, atol=1e-6)
    assert bank.distances(asked[:0]).shape == (0,)
