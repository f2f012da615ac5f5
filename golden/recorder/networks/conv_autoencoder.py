"""Convolutional autoencoder with pooling, unpooling by the places of the maxima, and transposed convolutions."""

import cntk
import numpy as np
from cntk.layers import AveragePooling, Convolution, ConvolutionTranspose, MaxPooling, MaxUnpooling

from recorder.case import Case, case
from recorder.parameters import fill_parameters


def build() -> Case:
    """Three images of 2x16x12; outputs: the reconstruction and the code."""
    image = cntk.input_variable((2, 16, 12), name="image")
    features = Convolution((3, 3), 6, activation=cntk.relu, pad=True)(image)
    pooled = MaxPooling((2, 2), strides=(2, 2))(features)
    code = Convolution((3, 3), 5, strides=(2, 2), pad=True, activation=cntk.tanh, name="code")(pooled)
    blurred = AveragePooling((3, 3), strides=(1, 1), pad=True)(code)
    upsampled = ConvolutionTranspose((4, 4), 6, strides=(2, 2), pad=True, output_shape=(8, 6), activation=cntk.relu)(blurred)
    unpooled = MaxUnpooling((2, 2), strides=(2, 2))(upsampled, features)
    reconstruction = ConvolutionTranspose((3, 3), 2, pad=True, activation=cntk.sigmoid, name="reconstruction")(unpooled)
    model = fill_parameters(cntk.combine([reconstruction, code]), seed=11)
    images = np.random.RandomState(12).uniform(size=(3, 2, 16, 12)).astype(np.float32)
    return case(model, {image: images})
