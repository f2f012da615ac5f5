"""Fully convolutional segmenter whose images have any height and width: shape (3, -3, -3)."""

import cntk
import numpy as np
from cntk.layers import BatchNormalization, Convolution, MaxPooling

from recorder.case import Case, case
from recorder.parameters import fill_parameters, fill_running_statistics


def build() -> Case:
    """Two images of 13x18, so that strides meet odd and even sizes; outputs: class scores per cell, and for the image."""
    image = cntk.input_variable((3, cntk.FreeDimension, cntk.FreeDimension), name="image")
    x = cntk.relu(BatchNormalization(map_rank=1)(Convolution((3, 3), 8, pad=True, bias=False)(image)))
    x = MaxPooling((2, 2), strides=(2, 2))(x)
    x = Convolution((3, 3), 12, strides=(2, 2), pad=True, activation=cntk.relu)(x)
    cells = Convolution((1, 1), 4, name="cells")(x)
    whole = cntk.reduce_max(cells, axis=(-2, -1), name="whole")
    model = fill_running_statistics(fill_parameters(cntk.combine([cells, whole]), seed=31), seed=32)
    images = np.random.RandomState(33).uniform(size=(2, 3, 13, 18)).astype(np.float32)
    return case(model, {image: images})
