"""Operators that onnx's evaluator gets wrong or cannot do, after the ONNX specification, in numpy.

onnx 1.23's LSTM, GRU and RNN take no heed of ``sequence_lens`` and of ``activations``, and give wrong numbers without a word;
its Scan goes along no axis but the first. Ragged batches need all of that.
"""

from verify.equivalence.backends.reference_operators.recurrent import GRU, LSTM, RNN
from verify.equivalence.backends.reference_operators.scan import Scan

REFERENCE_OPERATORS = (GRU, LSTM, RNN, Scan)

__all__ = ["GRU", "LSTM", "REFERENCE_OPERATORS", "RNN", "Scan"]
