from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import GuardRefusedError, InvalidOptionError
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.guard import Array, Kind, change


def images(channels: int = 1) -> Array:
    return np.random.default_rng(0).uniform(0, 1, (2, channels, 16, 16)).astype(np.float32)


def test_bit_depth_leaves_only_its_levels() -> None:
    squeezed = BitDepthSqueeze("x", 3).apply(images())
    assert np.allclose(squeezed * 7, np.rint(squeezed * 7), atol=1e-5)
    assert len(np.unique(np.rint(squeezed * 7))) == 8
    assert squeezed.dtype == np.float32
    assert np.abs(squeezed - images()).max() <= 0.5 / 7 + 1e-6


def test_bit_depth_keeps_to_a_range_that_does_not_begin_at_zero() -> None:
    squeezed = BitDepthSqueeze("x", 1, -2.0, 6.0).apply(np.asarray([[-9.0, -1.9, 1.9, 2.1, 99.0]], np.float32))
    assert squeezed.tolist() == [[-2.0, -2.0, -2.0, 6.0, 6.0]]


def test_a_squeeze_never_writes_to_the_callers_array() -> None:
    given = images()
    before = given.copy()
    BitDepthSqueeze("x", 2).apply(given)
    assert (given == before).all()


def test_integers_pass_a_squeeze_as_the_same_object() -> None:
    given = np.arange(4)
    assert BitDepthSqueeze("x", 2).apply(given) is given


@pytest.mark.parametrize(("bits", "low", "high"), [(0, 0, 1), (17, 0, 1), (4, 1, 1)])
def test_a_squeeze_without_levels_is_refused(bits: int, low: float, high: float) -> None:
    with pytest.raises(InvalidOptionError):
        BitDepthSqueeze("x", bits, low, high)


def test_a_change_is_recorded_with_its_extent() -> None:
    guard = BitDepthSqueeze("x", 1)
    before = np.asarray([[0.0, 0.25, 1.0]], np.float32)
    found = change(guard, before, guard.apply(before))
    assert found is not None
    assert (found.elements, found.of, found.max_abs) == (1, 3, 0.25)
    assert guard.kind is Kind.SANITISER
    assert change(guard, before[:, [0, 2]], guard.apply(before[:, [0, 2]])) is None


def test_jpeg_changes_little_and_keeps_type_and_shape() -> None:
    pytest.importorskip("PIL")
    from bridge.runtime.guards.jpeg import JpegSqueeze

    smooth = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (2, 3, 16, 1))
    squeezed = JpegSqueeze("x", 90).apply(smooth)
    assert squeezed.shape == smooth.shape
    assert squeezed.dtype == np.float32
    assert 0 < np.abs(squeezed - smooth).max() < 0.1


def test_jpeg_of_lower_quality_changes_more() -> None:
    pytest.importorskip("PIL")
    from bridge.runtime.guards.jpeg import JpegSqueeze

    errors = [np.abs(JpegSqueeze("x", quality).apply(images()) - images()).mean() for quality in (95, 50, 5)]
    assert errors[0] < errors[1] < errors[2]


def test_half_precision_has_as_many_levels_as_asked_for() -> None:
    given = np.linspace(0, 1, 1001, dtype=np.float16)
    squeezed = BitDepthSqueeze("x", 16).apply(given)
    assert squeezed.dtype == np.float16
    np.testing.assert_allclose(squeezed, given, atol=1e-3)


@pytest.mark.parametrize("size", [(0, 8), (8, 0), (1, 65_501), (9_000, 9_000)])
def test_jpeg_refuses_images_that_the_format_or_its_decoder_would_not_take(size: tuple[int, int]) -> None:
    pytest.importorskip("PIL")
    from bridge.runtime.guards.jpeg import JpegSqueeze

    with pytest.raises(GuardRefusedError, match="rows and columns"):
        JpegSqueeze("x", 75).apply(np.broadcast_to(np.float32(0), (1, 1, *size)))


@pytest.mark.parametrize("shape", [(2, 4, 8, 8), (2, 64), (8, 8)])
def test_jpeg_refuses_what_is_no_image(shape: tuple[int, ...]) -> None:
    pytest.importorskip("PIL")
    from bridge.runtime.guards.jpeg import JpegSqueeze

    with pytest.raises(GuardRefusedError, match="images"):
        JpegSqueeze("x", 75).apply(np.zeros(shape, np.float32))
