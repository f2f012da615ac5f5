"""Convolution, pooling and batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.readers import choice, f64, flag, flags, i32, shape, u32, u64
from bridge.source.v1.record import Field, Layout, Record

HWC, CHW = 0, 1
"""Image layouts: channels fastest (before cuDNN), and channels slowest."""

POOL_NONE, POOL_MAX, POOL_AVERAGE = 0, 1, 2
"""Kinds of pooling."""

_ND_VERSION = 5  # Convolutions of any number of dimensions; before it there were two.
_FLAG_COUNT_VERSION = 19  # The one beta that stored a flag in the place of the sample count.

_pool_kind = choice(i32, POOL_NONE, POOL_MAX, POOL_AVERAGE)
_layout32 = choice(i32, HWC, CHW)
_layout32u = choice(u32, HWC, CHW)

_WINDOW: Layout = (
    Field("kernel", shape),
    Field("mapCount", shape),
    Field("stride", shape),
    Field("sharing", flags),
    Field("autoPadding", flags),
    Field("lowerPad", shape),
    Field("upperPad", shape),
    Field("poolKind", _pool_kind),
    Field("imageLayout", _layout32),
    Field("maxTempMem", u64),
    Field("transpose", flag, since=9, default=False),
    Field("outputShape", shape, since=20, default=(0,)),
    Field("ceilOutDim", flag, since=21, default=False),
    Field("includePad", flag, since=23, default=False),
)


def _convolution(record: Record) -> None:
    """The fields of a convolution; those of the two-dimensional form before version 5 are turned into the newer ones."""
    if record.version < _ND_VERSION:
        _old_convolution(record)
        return
    for step in _WINDOW:
        step(record)
    record.fields["convolution2D"] = record.cursor.flag("convolution2D")
    record.fields["dilation"] = record.shape("dilation") if record.version >= 18 else (1,)


def _old_convolution(record: Record) -> None:
    cursor, fields = record.cursor, record.fields
    width, height, horizontal, vertical = (cursor.u64(name) for name in ("kernelWidth", "kernelHeight", "strideX", "strideY"))
    fields["mapCount"] = (cursor.u32("mapCount"),)
    fields["imageLayout"] = _layout32u(record, "imageLayout")
    fields["autoPadding"] = (cursor.flag("autoPadding"),)
    fields["maxTempMem"] = cursor.u64("maxTempMem")
    fields["kernel"] = (width, height, 1)
    fields["stride"] = (horizontal, vertical, 1)
    fields["sharing"] = (True,)
    fields["lowerPad"] = fields["upperPad"] = fields["outputShape"] = (0,)
    fields["poolKind"] = POOL_NONE
    fields["transpose"] = fields["ceilOutDim"] = fields["includePad"] = False
    fields["convolution2D"] = True
    fields["dilation"] = (1,)


def _pooling(record: Record) -> None:
    """The fields of a pooling of any number of dimensions, which version 5 brought."""
    if record.version < _ND_VERSION:
        raise record.cursor.wrong(
            "an operator that this version of the format does not have",
            "op",
            offset=record.cursor.offset,
            expected=f"version {_ND_VERSION} or later",
            found=f"version {record.version}",
        )
    for step in _WINDOW:
        step(record)


def _batch_normalization(record: Record) -> None:
    """The fields of a batch normalisation. The counts of samples or minibatches are skipped: they matter to training alone."""
    cursor, fields, version = record.cursor, record.fields, record.version
    if version < 6:
        _old_batch_normalization(record)
        return
    fields["spatial"] = cursor.flag("spatial")
    fields["normalizationTimeConstant"] = cursor.f64("normalizationTimeConstant")
    fields["blendTimeConstant"] = cursor.f64("blendTimeConstant")
    fields["imageLayout"] = _layout32(record, "imageLayout")
    if version == _FLAG_COUNT_VERSION:
        cursor.flag("countIsZero")
    else:
        cursor.u64("sampleCount")
    fields["epsilon"] = cursor.f64("epsilon")
    fields["useCntkEngine"] = cursor.flag("useCntkEngine")


_FIRST_WRITER, _LAST_WRITER = 0x00010001, 0x00010004


def _old_batch_normalization(record: Record) -> None:
    """Before version 6 the node had a version of its own, with fewer fields the older it is."""
    cursor, fields = record.cursor, record.fields
    start = cursor.offset
    writer, readable = cursor.i32("versionWritten"), cursor.i32("versionReadable")
    if not _FIRST_WRITER <= readable <= writer <= _LAST_WRITER:
        raise cursor.wrong(
            "the version of a batch normalisation is out of range",
            "versionWritten",
            offset=start,
            expected=f"{_FIRST_WRITER:#010x} to {_LAST_WRITER:#010x}, readable by no later one",
            found=f"{writer & 0xFFFFFFFF:#010x}, readable by {readable & 0xFFFFFFFF:#010x}",
        )
    cursor.flag("evaluation")
    fields["spatial"] = cursor.flag("spatial")
    time_constant = cursor.f64("normalizationTimeConstant")
    fields["normalizationTimeConstant"] = time_constant if writer >= _LAST_WRITER else 0.0
    fields["blendTimeConstant"] = 0.0
    fields["imageLayout"] = CHW
    fields["epsilon"] = 0.0
    fields["useCntkEngine"] = True
    if writer >= 0x00010002:
        fields["imageLayout"] = _layout32(record, "imageLayout")
        cursor.u64("minibatchCount")
    if writer >= 0x00010003:
        fields["epsilon"] = cursor.f64("epsilon")
        fields["useCntkEngine"] = cursor.flag("useCntkEngine")


_OLD_POOLING: Layout = (
    Field("windowWidth", u32),
    Field("imageLayout", _layout32u),
    Field("windowHeight", u64),
    Field("strideX", u64),
    Field("strideY", u64),
)

IMAGE_LAYOUTS: Mapping[str, Layout] = {
    "Convolution": (_convolution,),
    "ConvolutionSequenceShape": (_convolution,),
    "Pooling": (_pooling,),
    "MaxUnpooling": (_pooling,),
    "MaxPooling": _OLD_POOLING,
    "AveragePooling": _OLD_POOLING,
    "ROIPooling": (
        Field("outputShape", shape),
        Field("poolKind", choice(i32, POOL_MAX, POOL_AVERAGE), since=26, default=POOL_MAX),
        Field("spatialScale", f64, since=26, default=1 / 16),
    ),
    "BatchNormalization": (_batch_normalization,),
}
