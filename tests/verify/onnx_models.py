"""Small ONNX models in onnx's own text form, written to files for the backend to load."""

from pathlib import Path

import onnx
import onnx.parser

DOUBLING = """
<ir_version: 8, opset_import: ["" : 17]>
doubling (float[N, 3] x) => (float[N, 3] y) { y = Add(x, x) }
"""
SQUARING = """
<ir_version: 8, opset_import: ["" : 17]>
squaring (float[N, 3] x) => (float[N, 3] y) { y = Mul(x, x) }
"""
LOGARITHM = """
<ir_version: 8, opset_import: ["" : 17]>
logarithm (float[N, 3] x) => (float[N, 3] y) { y = Log(x) }
"""
RENAMED = """
<ir_version: 8, opset_import: ["" : 17]>
doubling (float[N, 3] x) => (float[N, 3] z) { z = Add(x, x) }
"""
RAGGED_DOUBLING = """
<ir_version: 8, opset_import: ["" : 17]>
doubling (float[N, T, 3] x, int64[N] lengths) => (float[N, T, 3] y, int64[N] y_lengths) {
    y = Add(x, x)
    y_lengths = Identity(lengths)
}
"""
PADDING_LEFT_STANDING = """
<ir_version: 8, opset_import: ["" : 17]>
doubling (float[N, T, 3] x, int64[N] lengths) => (float[N, T, 3] y) {
    one = Constant<value = float {1.0}>()
    doubled = Add(x, x)
    zero = Equal(x, doubled)
    filler = Cast<to = 1>(zero)
    y = Add(doubled, filler)
}
"""


def write_model(path: Path, text: str, **metadata: str) -> Path:
    model = onnx.parser.parse_model(text)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path
