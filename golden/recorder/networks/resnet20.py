"""ResNet-20 for 3x32x32 images, as in CNTK's CIFAR-10 example, with its global average pooling and input normalisation."""

import cntk
import numpy as np
from cntk.layers import AveragePooling, BatchNormalization, Convolution, Dense

from recorder.case import Case, case
from recorder.parameters import fill_parameters, fill_running_statistics

BLOCKS_PER_STAGE = 3


def convolution_bn(x: cntk.Function, maps: int, size: int = 3, stride: int = 1) -> cntk.Function:
    """Convolution without bias, then spatial batch normalisation."""
    y = Convolution((size, size), maps, strides=(stride, stride), pad=True, bias=False)(x)
    return BatchNormalization(map_rank=1, normalization_time_constant=4096)(y)


def residual_block(x: cntk.Function, maps: int, stride: int) -> cntk.Function:
    """Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""
    y = convolution_bn(cntk.relu(convolution_bn(x, maps, stride=stride)), maps)
    shortcut = convolution_bn(x, maps, size=1, stride=stride) if stride > 1 else x
    return cntk.relu(y + shortcut)


def logits(image: cntk.Variable) -> cntk.Function:
    """The 20-layer network on pixels 0..255."""
    x = cntk.relu(convolution_bn((image - 114.0) / 63.0, 16))
    for stage, maps in enumerate((16, 32, 64)):
        for block in range(BLOCKS_PER_STAGE):
            x = residual_block(x, maps, stride=2 if stage and not block else 1)
    return Dense(10, name="z")(AveragePooling((8, 8), name="pooled")(x))


def coarse_images(seed: int, count: int) -> np.ndarray:
    """Random 8x8 patches of colour: white noise would average out to the same few logits for every image."""
    patches = np.random.RandomState(seed).randint(256, size=(count, 3, 4, 4))
    return patches.repeat(8, axis=2).repeat(8, axis=3).astype(np.float32)


def build() -> Case:
    """Four images; batch normalisation with running statistics far from their initial values."""
    image = cntk.input_variable((3, 32, 32), name="image")
    model = fill_running_statistics(fill_parameters(logits(image), seed=4, gain=1.4), seed=5)
    return case(model, {image: coarse_images(seed=6, count=4)})
