"""bridge.targets.onnx_layout: what leaves the model file, and where it goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.targets.onnx_layout import PROTOBUF_BYTES, lay_out

SIZES = st.lists(st.integers(0, 3 << 20) | st.sampled_from([1023, 1024, (1 << 20) - 1, 1 << 20]), max_size=30)


def _named(sizes: list[int]) -> list[tuple[str, int]]:
    return [(f"w{index}", size) for index, size in enumerate(sizes)]


def test_all_stay_inline_at_the_threshold() -> None:
    assert not lay_out(_named([5000, 5000]), 0, 10_000).offsets


def test_all_but_small_ones_leave_beyond_the_threshold() -> None:
    assert lay_out(_named([5000, 1023, 1024]), 0, 7046).offsets == {"w0": 0, "w2": 5056}


def test_limit_of_protobuf_overrides_the_threshold() -> None:
    assert not lay_out(_named([PROTOBUF_BYTES - 10]), 10, 1 << 40).offsets
    assert lay_out(_named([PROTOBUF_BYTES - 10]), 11, 1 << 40).offsets == {"w0": 0}


def test_model_without_initializers_has_no_data_file() -> None:
    assert lay_out([], 100, 0).data_bytes == 0


@given(SIZES)
def test_ranges_are_aligned_ordered_and_disjoint(sizes: list[int]) -> None:
    named = _named(sizes)
    layout = lay_out(named, 0, 0)
    end = 0
    for name, size in named:
        if name not in layout.offsets:
            assert size < 1024
            continue
        offset = layout.offsets[name]
        alignment = 65536 if size >= 1 << 20 else 64
        assert offset % alignment == 0
        assert end <= offset < end + alignment
        end = offset + size
    assert layout.data_bytes == end
