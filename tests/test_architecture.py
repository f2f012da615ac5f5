"""What the house forbids, checked on the code itself: imports that must not be there, files and functions too long."""

import ast
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE_PACKAGES = ("bridge/source", "bridge/graph")
PURE_IMPORTS = {"numpy", "bridge.source", "bridge.graph", "bridge.errors", "bridge.limits"}
COMMAND = "import sys; sys.argv = ['bridge', {arguments}]\nfrom bridge.cli import main\nmain()"
SOURCE_FILES = sorted((*ROOT.glob("bridge/**/*.py"), *ROOT.glob("verify/**/*.py")))


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


def is_pure(module: str) -> bool:
    within = any(module == allowed or module.startswith(f"{allowed}.") for allowed in PURE_IMPORTS)
    return within or module.split(".", maxsplit=1)[0] in sys.stdlib_module_names


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_readers_and_graph_import_the_standard_library_and_numpy_alone(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    forbidden = {f"{path.relative_to(ROOT)}: {name}" for path in files for name in imported_modules(path) if not is_pure(name)}
    assert forbidden == set()


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_readers_and_graph_do_not_import_what_could_run_code(package: str) -> None:
    dangerous = {"pickle", "marshal", "importlib", "ctypes", "subprocess", "runpy", "shelve"}
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imported_modules(path)
        if name.split(".")[0] in dangerous
    }
    assert found == set()


def test_no_file_is_longer_than_400_lines() -> None:
    too_long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCE_FILES}
    assert {name: lines for name, lines in too_long.items() if lines > 400} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for path in SOURCE_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for lines in [body_lines(node)]
        if lines > 40
    ]
    assert too_long == []


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of code: a signature that declares a command's options, and the docstring, may be as long as it takes."""
    first = function.body[1] if ast.get_docstring(function) is not None and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or function.lineno) - first.lineno + 1


def test_no_drawer_files() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert [str(path.relative_to(ROOT)) for path in SOURCE_FILES if path.name in drawers] == []


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=60, cwd=ROOT
    )


def test_importing_bridge_imports_no_dependency_but_numpy() -> None:
    heavy = ["onnx", "onnx_ir", "onnxruntime", "typer", "click", "rich", "torch", "google.protobuf", "cryptography", "verify"]
    program = f"import sys, bridge; print([name for name in {heavy!r} if name in sys.modules])"
    finished = run_python("-c", program)
    assert finished.stderr == ""
    assert finished.stdout.strip() == "[]"


def test_help_imports_no_dependency_but_typer() -> None:
    heavy = ["onnx", "onnx_ir", "onnxruntime", "torch", "numpy"]
    program = (
        "import sys\nfrom bridge.cli import main\nsys.argv = ['bridge', '--help']\n"
        f"try:\n    main()\nexcept SystemExit:\n    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    assert run_python("-c", program).stderr.strip() == "[]"


def processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "seconds"),
    [
        ("import bridge", 0.3),
        (COMMAND.format(arguments="'--help'"), 0.5),
        (COMMAND.format(arguments="'convert', 'golden/digits_lenet/model.dnn', '--allow-unsigned', '-o', sys.argv[1]"), 1.0),
    ],
    ids=["import", "help", "convert"],
)
def test_starting_is_quick(program: str, seconds: float, tmp_path: Path) -> None:
    """The whole process, in processor time: the clock would measure what else the machine does."""
    durations = []
    for turn in range(5):
        before = processor_seconds_of_children()
        assert run_python("-c", program, str(tmp_path / f"{turn}.onnx")).returncode == 0
        durations.append(processor_seconds_of_children() - before)
    assert min(durations) < seconds
