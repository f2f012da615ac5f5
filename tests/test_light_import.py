"""bridge.light_import: onnx-ir comes without sympy, jsonschema without a parser, and both work as ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = "import sys\nfrom bridge.light_import import import_onnx_ir\nimport_onnx_ir()\nimport onnx_ir as ir\n"


def _run(code: str) -> str:
    """What ``code`` prints in a fresh interpreter, where nothing is imported yet."""
    finished = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert not finished.stderr
    return finished.stdout.strip()


def test_sympy_is_not_imported() -> None:
    assert _run(START + "print('sympy' in sys.modules)") == "False"


def test_model_is_built_and_serialised_without_sympy() -> None:
    code = """
text = '<ir_version: 10, opset_import: ["" : 21]> g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }'
model = ir.from_onnx_text(text)
print(ir.to_proto(model).graph.input[0].type.tensor_type.shape.dim[0].dim_param, 'sympy' in sys.modules)
"""
    assert _run(START + code) == "N False"


def test_symbolic_dimensions_are_computed_with() -> None:
    assert _run(START + "print((ir.SymbolicDim('N') + 1) * 2)") == "2*N + 2"


def test_who_else_imports_sympy_gets_all_of_it() -> None:
    code = "from sympy.core.symbol import Symbol\nimport sympy\nprint(sympy.Symbol is Symbol, ir.SymbolicDim(Symbol('N')) + 1)"
    assert _run(START + code) == "True N + 1"


def test_sympy_imported_before_is_left_alone() -> None:
    assert _run("import sympy\n" + START + "print(sys.modules['sympy'] is sympy, hasattr(sympy, '__path__'))") == "True True"


def test_calling_twice_is_harmless() -> None:
    assert _run(START + "import_onnx_ir()\nprint(ir is sys.modules['onnx_ir'])") == "True"


JSONSCHEMA = "import sys\nfrom bridge.light_import import import_jsonschema\nimport_jsonschema()\nimport jsonschema\n"


def test_no_parser_of_addresses_is_built_for_jsonschema() -> None:
    code = "print(any(name in sys.modules for name in ('lark', 'rfc3986_validator', 'rfc3987_syntax')))"
    assert _run(JSONSCHEMA + code) == "False"


def test_jsonschema_checks_addresses_all_the_same_where_it_can() -> None:
    pytest.importorskip("rfc3987_syntax")
    pytest.importorskip("rfc3986_validator")
    code = """
for format in ("iri", "uri"):
    validator = jsonschema.Draft202012Validator({"format": format}, format_checker=jsonschema.FormatChecker())
    print(validator.is_valid("https://example.org/a"), validator.is_valid("no address"))
import rfc3987_syntax
print(rfc3987_syntax.is_valid_syntax("iri", "https://example.org/a"))
"""
    assert _run(JSONSCHEMA + code).split() == ["True", "False", "True", "False", "True"]


def test_jsonschema_promises_no_format_whose_checker_is_not_installed() -> None:
    code = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "rfc3987_syntax" else find(name, *rest)
sys.modules["rfc3987_syntax"] = None
from bridge.light_import import import_jsonschema
import_jsonschema()
import jsonschema
print("iri" in jsonschema.FormatChecker().checkers, "date" in jsonschema.FormatChecker().checkers)
"""
    assert _run(code) == "False True"
