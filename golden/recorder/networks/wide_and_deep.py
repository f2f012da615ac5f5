"""Wide-and-deep click model: crossed sparse features, an embedded category and dense features, one probability."""

import cntk
import numpy as np
from cntk.layers import BatchNormalization, Dense, Embedding

from recorder.case import Case, case
from recorder.parameters import fill_parameters, fill_running_statistics

CROSSES = 200
CATEGORIES = 30
ROWS = 6


def build() -> Case:
    """Six rows; the wide input has several ones in a row, so it is no one-hot."""
    wide = cntk.input_variable(CROSSES, is_sparse=True, name="wide")
    category = cntk.input_variable(CATEGORIES, is_sparse=True, name="category")
    dense = cntk.input_variable(8, name="dense")
    deep = cntk.splice(Embedding(12)(category), dense)
    deep = BatchNormalization()(Dense(32, activation=cntk.relu)(deep))
    deep = Dense(16, activation=cntk.leaky_relu)(deep)
    click = cntk.sigmoid(Dense(1)(deep) + Dense(1, bias=False)(wide), name="click")
    model = fill_running_statistics(fill_parameters(click, seed=13), seed=14)
    random = np.random.RandomState(15)
    crosses = (random.uniform(size=(ROWS, CROSSES)) < 0.05).astype(np.float32)
    categories = np.eye(CATEGORIES, dtype=np.float32)[random.randint(CATEGORIES, size=ROWS)]
    features = random.standard_normal((ROWS, 8)).astype(np.float32)
    return case(model, {wide: crosses, category: categories, dense: features})
