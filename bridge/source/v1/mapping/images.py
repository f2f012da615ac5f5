"""Convolution and pooling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from bridge.graph.model import Attributes, NDShape, Tensor
from bridge.source.v1.layouts.images import CHW, POOL_AVERAGE, POOL_MAX
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.rules import Mapper, Rule, rule

_POOLING_TYPES = {POOL_MAX: 0, POOL_AVERAGE: 1}


def check_layout(at: Translation) -> None:
    """Only images with channels slowest have the meaning that CNTK 2 gives these operators."""
    if at.node.integer("imageLayout") != CHW:
        raise at.wrong("images with channels fastest (layout HWC, before cuDNN) are not supported, by CNTK 2 neither")


def _pooling_type(at: Translation) -> int:
    kind = at.node.integer("poolKind")
    if kind not in _POOLING_TYPES:
        raise at.wrong(f"pooling of kind {kind}: expected {POOL_MAX} (maximum) or {POOL_AVERAGE} (average)")
    return _POOLING_TYPES[kind]


def _window(at: Translation) -> Attributes:
    """The attributes that every operator with a sliding window has."""
    node = at.node
    return {
        "strides": NDShape(node.integers("stride")),
        "autoPadding": node.flags("autoPadding"),
        "lowerPad": NDShape(node.integers("lowerPad")),
        "upperPad": NDShape(node.integers("upperPad")),
    }


def _image_window(at: Translation, channels: int) -> Attributes:
    """The same for the two-dimensional form of convolution, whose settings are for width and height alone.

    All channels are reduced at once, without padding.
    """
    node = at.node
    keys = ("stride", "autoPadding", "lowerPad", "upperPad")
    if not all(node.integers(key) for key in keys):
        raise at.wrong("a setting for width and height is empty")
    stride, padding, lower, upper = ((*node.integers(key), node.integers(key)[-1])[:2] for key in keys)
    return {
        "strides": NDShape((*stride, channels)),
        "autoPadding": (*(bool(item) for item in padding), False),
        "lowerPad": NDShape((*lower, 0)),
        "upperPad": NDShape((*upper, 0)),
    }


def _convolution(op: str) -> Mapper:
    def mapper(at: Translation) -> None:
        check_layout(at)
        node = at.node
        kernel = _kernel(at)
        weight = _weight(at, kernel)
        attributes: Attributes = {
            **(_image_window(at, kernel[2]) if node.flag("convolution2D") else _window(at)),
            "dilation": NDShape(node.integers("dilation")),
            "sharing": node.flags("sharing"),
            "sequential": False,
            "transpose": node.flag("transpose"),
            "outputShape": NDShape(node.integers("outputShape")),
            "kernelShape": NDShape(kernel),
            "maxTempMemSizeInSamples": node.integer("maxTempMem"),
            "groups": 1,
        }
        at.finish(op, (weight, *at.inputs[1:]), attributes)

    return mapper


def _kernel(at: Translation) -> tuple[int, ...]:
    """The kernel, column-major. The form for two dimensions leaves the channels to be found from the size of the weights."""
    kernel = at.node.integers("kernel")
    if not at.node.flag("convolution2D"):
        return kernel
    leaf = at.leaf(0)
    if leaf is None or leaf.shape is None or len(leaf.shape) != 2 or len(kernel) < 2:
        raise at.wrong("expected a kernel of width and height and a matrix of weights, as the two-dimensional form has")
    filters = math.prod(at.node.integers("mapCount")) or leaf.shape[-1]
    area = kernel[0] * kernel[1] * filters
    elements = math.prod(leaf.shape)
    if area == 0 or elements % area:
        raise at.wrong(f"{elements} weights do not fill {filters} kernels of {kernel[0]} x {kernel[1]}")
    return (kernel[0], kernel[1], elements // area)


def _weight(at: Translation, kernel: tuple[int, ...]) -> str:
    """The uid of the weights. Old files hold them as a matrix [maps, kernel elements]: the same bytes as [kernel..., maps]."""
    leaf = at.leaf(0)
    if leaf is None or leaf.value is None or leaf.shape is None or len(leaf.shape) != 2:
        return at.inputs[0]
    maps = leaf.shape[-1]  # Column-major [maps, kernel elements] is row-major (kernel elements, maps).
    if math.prod(kernel) * maps != leaf.value.values.size:
        if at.node.flag("convolution2D"):
            raise at.wrong(f"{leaf.value.values.size} weights do not fill {maps} kernels of shape {list(kernel)}")
        # Weights of one dimension without output channels also have rank 2.
        return at.inputs[0]
    shape = (maps, *reversed(kernel))
    tensor: Tensor = replace(leaf.value, shape=shape)
    return at.derive(0, "weight", tensor)


def _pooling(at: Translation) -> None:
    check_layout(at)
    attributes: Attributes = {
        **_window(at),
        "poolingType": _pooling_type(at),
        "poolingWindowShape": NDShape(at.node.integers("kernel")),
        "ceilOutDim": at.node.flag("ceilOutDim"),
        "includePad": at.node.flag("includePad"),
    }
    at.finish("Pooling", at.inputs, attributes)


def _unpooling(at: Translation) -> None:
    check_layout(at)
    attributes: Attributes = {
        **_window(at),
        "poolingType": _POOLING_TYPES[POOL_MAX],
        "unpoolingWindowShape": NDShape(at.node.integers("kernel")),
    }
    at.finish("Unpooling", at.inputs, attributes)


def _old_pooling(kind: int) -> Mapper:
    """Pooling of two dimensions without padding."""

    def mapper(at: Translation) -> None:
        check_layout(at)
        node = at.node
        attributes: Attributes = {
            "poolingType": _POOLING_TYPES[kind],
            "poolingWindowShape": NDShape((node.integer("windowWidth"), node.integer("windowHeight"), 1)),
            "strides": NDShape((node.integer("strideX"), node.integer("strideY"), 1)),
            "autoPadding": (False,),
            "lowerPad": NDShape((0,)),
            "upperPad": NDShape((0,)),
            "ceilOutDim": False,
            "includePad": False,
        }
        at.finish("Pooling", at.inputs, attributes)

    return mapper


def _roi_pooling(at: Translation) -> None:
    attributes: Attributes = {
        "poolingType": _pooling_type(at),
        "roiOutputShape": NDShape(at.node.integers("outputShape")),
        "spatialScale": at.node.number("spatialScale"),
    }
    at.finish("ROIPooling", at.inputs, attributes)


IMAGE_RULES: Mapping[str, Rule] = {
    "Convolution": rule(2, _convolution("Convolution")),
    "ConvolutionSequenceShape": rule(2, _convolution("ConvolutionSequenceShape")),
    "Pooling": rule(1, _pooling),
    "MaxUnpooling": rule(2, _unpooling),
    "MaxPooling": rule(1, _old_pooling(POOL_MAX)),
    "AveragePooling": rule(1, _old_pooling(POOL_AVERAGE)),
    "ROIPooling": rule(2, _roi_pooling),
}
