"""The names of a package's parts."""

from __future__ import annotations

from typing import Final

from bridge.trust.provenance.history import CLAIMS_NAME, INTERFACE_NAME, SIGNATURE_NAME

ONNX_MODEL: Final = "model.onnx"
ONNX_DATA: Final = "model.onnx.data"
TORCH_SOURCE: Final = "model.py"
TORCH_WEIGHTS: Final = "model.safetensors"
TORCH_README: Final = "README.md"
INTERFACE: Final = INTERFACE_NAME
REPORTS: Final = "reports"
EQUIVALENCE_JSON: Final = "reports/equivalence.json"
EQUIVALENCE_HTML: Final = "reports/equivalence.html"
TWIN: Final = "twin"
BILL_OF_MATERIALS: Final = "sbom.cdx.json"
SIGNATURE: Final = SIGNATURE_NAME
CLAIMS: Final = CLAIMS_NAME
