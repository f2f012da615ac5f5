"""Distributions for tests: a package, its metadata and its RECORD, as pip would have installed them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

FILES = {
    "made/__init__.py": b"VALUE = 1\n",
    "made/inner/__init__.py": b"",
    "made/inner/code.py": b"def answer():\n    return 42\n",
    "made/native.so": bytes(range(256)) * 100,
    "made-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: made\nVersion: 1.0\n",
}


def record_line(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def install(root: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write the files and their RECORD beneath ``root``, with the bytecode that Python would cache."""
    files = FILES if files is None else files
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "made/__pycache__").mkdir(parents=True, exist_ok=True)
    (root / "made/__pycache__/__init__.cpython-311.pyc").write_bytes(b"cached")
    write_record(root, files)
    return root


def write_record(root: Path, files: dict[str, bytes]) -> None:
    lines = [record_line(path, data) for path, data in files.items()]
    lines += ["made/__pycache__/__init__.cpython-311.pyc,,\n", "made-1.0.dist-info/RECORD,,\n"]
    (root / "made-1.0.dist-info/RECORD").write_text("".join(lines))
