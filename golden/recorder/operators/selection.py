"""Softmax and its relatives, the places of maxima, and the greatest k."""

import cntk
import numpy as np

from recorder.operators.operands import on_batch, ramp, scattered

TIES = np.array([[1, 3, 3, 2], [0, 0, 0, 0], [-np.inf, -1, -1, -2]], dtype=np.float32)
CUBE = scattered(50, 2, 3, 4)

CASES = {
    "softmax": on_batch(lambda x: (cntk.softmax(x), cntk.softmax(x, axis=-1)), np.concatenate([TIES, 50 * ramp(2, 4)])),
    "softmax_axes": on_batch(lambda x: (cntk.softmax(x), cntk.softmax(x, axis=0), cntk.softmax(x, axis=-1)), CUBE),
    "log_softmax": on_batch(lambda x: (cntk.log_softmax(x), cntk.log_softmax(x, axis=0)), 10 * CUBE),
    "hardmax": on_batch(cntk.hardmax, TIES),
    "hardmax_of_matrix": on_batch(cntk.hardmax, CUBE),
    "argmax": on_batch(lambda x: (cntk.argmax(x, axis=0), cntk.argmax(x, axis=-1), cntk.argmax(x)), np.round(CUBE)),
    "argmin": on_batch(lambda x: (cntk.argmin(x, axis=0), cntk.argmin(x, axis=-1), cntk.argmin(x)), np.round(CUBE)),
    "top_k": on_batch(lambda x: cntk.top_k(x, 3).outputs, scattered(51, 3, 7)),
    "top_k_other_axis": on_batch(lambda x: cntk.top_k(x, 2, axis=0).outputs, scattered(52, 2, 5, 3)),
}  # type: Family
