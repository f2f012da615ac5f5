"""Values as CNTK takes and gives them, and as golden cases hold them."""

import numpy as np
from scipy import sparse


def to_cntk(variable, batch):
    """The form in which CNTK's evaluation takes a value, in the variable's own type; sparse variables want rows of a matrix."""
    if not variable.is_sparse:
        if isinstance(batch, list):
            return [np.asarray(sequence, dtype=variable.dtype) for sequence in batch]
        return np.asarray(batch, dtype=variable.dtype)
    if isinstance(batch, list):
        return [_rows(sequence, variable) for sequence in batch]
    return _rows(batch, variable)


def _rows(array, variable):
    rows = np.asarray(array, dtype=variable.dtype).reshape(len(array), -1)
    matrix = sparse.csr_matrix(rows)
    if matrix.nnz == 0:
        # CNTK takes no sparse matrix without an entry; a zero that is stored is one, and changes nothing.
        matrix = sparse.csr_matrix((np.zeros(1, rows.dtype), ([0], [0])), shape=rows.shape)
    return matrix


def from_cntk(variable, value):
    """A dense array per sequence, or one array, in the shapes of the golden-case format."""
    shape = tuple(value.shape)[len(tuple(value.shape)) - len(variable.shape) :] if variable.shape else ()
    if len(variable.dynamic_axes) > 1:
        return [_dense(sequence).reshape((-1, *shape)) for sequence in value.as_sequences(variable)]
    array = _dense(value.data.asarray())
    return array.reshape((-1, *shape) if variable.dynamic_axes else shape)


def _dense(array):
    return array.toarray() if sparse.issparse(array) else np.asarray(array)


def identical(left, right):
    """Whether two values are the same in every bit."""
    first, second = (value if isinstance(value, list) else [value] for value in (left, right))
    return len(first) == len(second) and all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(first, second))
