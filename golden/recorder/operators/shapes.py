"""Operators that move or repeat elements along static axes."""

import cntk
import numpy as np

from recorder.operators.operands import applied, batched, on_batch, on_sequences, ragged, ramp, scattered, static

CUBE = ramp(2, 3, 4, 5)

CASES = {
    "reshape": on_batch(lambda x: (cntk.reshape(x, (5, -1)), cntk.reshape(x, (12,), 0, 2), cntk.reshape(x, (2, 2), 1, 2)), CUBE),
    "reshape_of_sequence": on_sequences(lambda x: cntk.reshape(x, (3, 2)), ragged(100, [2, 1, 3], 6)),
    "flatten": on_batch(lambda x: [cntk.flatten(x, axis=axis) for axis in (0, 1, 2)], CUBE),
    "transpose": on_batch(lambda x: (cntk.transpose(x, (2, 0, 1)), cntk.swapaxes(x, 0, 2)), CUBE),
    "slice": on_batch(lambda x: (cntk.slice(x, 1, 1, 3), cntk.slice(x, -1, -3, 0), cntk.slice(x, [0, 2], [1, 0], [0, -1])), CUBE),
    "slice_strides": on_batch(
        lambda x: (
            cntk.slice(x, [0], [0], [0], [2]),
            cntk.slice(x, [0], [1], [7], [-2]),
            cntk.slice(x, [0], [0], [0], [-1]),
        ),
        ramp(2, 8),
    ),
    "splice": on_batch(lambda x, y: (cntk.splice(x, y, axis=-1), cntk.splice(y, x, x, axis=-1)), ramp(2, 3, 4), ramp(2, 3, 2)),
    "splice_new_axis": on_batch(lambda x, y: cntk.splice(x, y, axis=-2), ramp(2, 4), ramp(2, 4, high=9)),
    "splice_broadcasts": on_batch(lambda x, y: cntk.splice(x, y, axis=-1), ramp(2, 4, 5), ramp(2, 5, high=9)),
    "splice_with_constant": on_batch(lambda x: cntk.splice(cntk.constant([1.0, 2.0]), x), ramp(3, 3)),
    "squeeze": on_batch(lambda x: (cntk.squeeze(x), cntk.squeeze(x, [0])), ramp(2, 1, 3, 1)),
    "expand_dims": on_batch(lambda x: [cntk.expand_dims(x, axis) for axis in (-1, -2, 0)], ramp(2, 3, 4)),
    "pad": on_batch(
        lambda x: [
            cntk.pad(x, [(0, 1), (2, 1)], mode, constant_value=9.5)
            for mode in (cntk.ops.CONSTANT_PAD, cntk.ops.REFLECT_PAD, cntk.ops.SYMMETRIC_PAD)
        ],
        ramp(2, 3, 4),
    ),
    "crop_manual": on_batch(lambda x, y: cntk.crop_manual(x, y, 1, 2), ramp(2, 2, 6, 5), scattered(101, 2, 1, 3, 4)),
    "crop_automatic": on_batch(
        lambda x: cntk.crop_automatic(x * 2, cntk.convolution(cntk.constant(ramp(1, 1, 3, 3)), x, auto_padding=[False])),
        ramp(2, 1, 6, 5),
    ),
    "depth_to_space": on_batch(lambda x: cntk.depth_to_space(x, 2), ramp(2, 8, 2, 3)),
    "space_to_depth": on_batch(lambda x: cntk.space_to_depth(x, 2), ramp(2, 2, 4, 6)),
    "eye_like": on_batch(lambda x: cntk.eye_like(x, sparse_output=False), ramp(3, 4)),
    "gather": on_batch(lambda x: cntk.gather(cntk.constant(ramp(5, 3)), x), np.array([[0, 4], [2.9, 1]], dtype=np.float32)),
    "gather_by_sequence": on_sequences(
        lambda x: cntk.gather(cntk.constant(ramp(5, 3)), x),
        [np.array([4, 0, 2], dtype=np.float32), np.array([1], dtype=np.float32)],
    ),
    "gather_axis": applied(
        lambda x, y: cntk.gather(x, y, axis=1),
        lambda: static(ramp(4, 3, 2), np.array([[2, 0], [1, 1]], dtype=np.float32)),
    ),
    "one_hot": on_batch(
        lambda x: (cntk.one_hot(x, 4), cntk.one_hot(x, 4, axis=0)), np.array([[0, 3], [1.7, 5], [-1, 2]], dtype=np.float32)
    ),
    "one_hot_sparse_embedding": on_batch(
        lambda x: cntk.times(cntk.one_hot(x, 4, sparse_output=True), cntk.constant(ramp(4, 3))),
        np.array([[0], [3], [2]], dtype=np.float32),
    ),
    "to_batch": applied(cntk.to_batch, lambda: static(ramp(4, 3))),
    "unpack_batch": applied(cntk.unpack_batch, lambda: batched(ramp(4, 3))),
}  # type: Family
