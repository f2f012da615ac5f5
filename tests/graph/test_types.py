"""What is known of values: semantics reference, sections 1.1 and 1.3."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, FREE, DataType
from bridge.graph.types import TensorType, broadcast_shapes, ordered_axes

shapes = st.lists(st.lists(st.sampled_from([1, 2, 3]), max_size=4).map(tuple), min_size=1, max_size=3)


@given(shapes)
def test_known_shapes_broadcast_as_numpy_broadcasts(given_shapes: list[tuple[int, ...]]) -> None:
    try:
        expected: tuple[int, ...] | None = np.broadcast_shapes(*given_shapes)
    except ValueError:
        expected = None
    assert broadcast_shapes(given_shapes) == expected


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ((FREE,), (FREE,), (FREE,)),
        ((FREE,), (1,), (FREE,)),
        ((FREE,), (4,), (4,)),
        ((2, FREE), (3,), (2, 3)),
        ((FREE, 2), (5, 1), (5, 2)),
    ],
)
def test_free_dimensions_take_the_size_of_the_other(
    left: tuple[int, ...], right: tuple[int, ...], result: tuple[int, ...]
) -> None:
    assert broadcast_shapes([left, right]) == result
    assert broadcast_shapes([right, left]) == result


def test_no_shapes_broadcast_to_a_scalar() -> None:
    assert broadcast_shapes([]) == ()


def test_batch_axis_comes_first_whatever_the_file_says() -> None:
    assert ordered_axes([DEFAULT_SEQUENCE_AXIS, DEFAULT_BATCH_AXIS]) == (DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS)


def test_type_says_what_it_is() -> None:
    known = TensorType(DataType.FLOAT, (3, FREE), (DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS))
    assert (known.rank, known.dynamic_rank, known.is_sequence, known.has_free) == (2, 2, True, True)
    assert str(known) == "float[defaultBatchAxis, defaultDynamicAxis, 3, ?]"
    smaller = known.with_shape([4]).with_axes([DEFAULT_BATCH_AXIS]).with_data_type(DataType.DOUBLE)
    assert smaller == TensorType(DataType.DOUBLE, (4,), (DEFAULT_BATCH_AXIS,))
    assert (smaller.dynamic_rank, smaller.is_sequence, smaller.has_free) == (1, False, False)
