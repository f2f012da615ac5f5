"""Installed libraries: what was changed, removed, added or hidden is found, with and without a lock."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import IntegrityError, InvalidBundleError, SignatureError
from bridge.trust.bundle import sign_statement
from bridge.trust.integrity.checking import OUR_DISTRIBUTION, check_libraries
from bridge.trust.integrity.lock import Lock, read_lock, sign_lock
from bridge.trust.key_files import new_key_pair
from bridge.trust.keys import TrustedKey, load_private_key, load_public_key
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement, Subject
from tests.trust.integrity.made_distributions import FILES, install, write_record


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, on Python's path."""
    root = install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    new_key_pair(tmp_path / "signer.key", password=None)
    return load_private_key(tmp_path / "signer.key", None)


@pytest.fixture
def trusted(signer: Signer, tmp_path: Path) -> TrustedKey:
    assert signer.identity
    return load_public_key(tmp_path / "signer.key.pub")


def kinds(lock: Lock | None = None) -> list[tuple[str, str]]:
    return [(fault.kind, fault.path) for fault in check_libraries(["made"], lock).libraries[0].faults]


def test_intact_library_has_no_fault(made: Path) -> None:
    (library,) = check_libraries(["made"]).libraries
    assert (library.faults, library.version, library.files, library.bytecode) == ((), "1.0", 5, 1)
    assert library.bytes == sum(map(len, FILES.values()))
    assert made.is_dir()


@pytest.mark.parametrize("name", [name for name in FILES if FILES[name]])
def test_changed_byte_is_found(name: str, made: Path) -> None:
    data = FILES[name]
    (made / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    report = check_libraries(["made"])
    assert [(fault.kind, fault.path) for fault in report.faults] == [("changed", name)]
    with pytest.raises(IntegrityError, match="not what was signed: expected sha256"):
        report.raise_for_faults()


def remove(root: Path) -> None:
    (root / "made/native.so").unlink()


def link(root: Path) -> None:
    shutil.move(root / "made/native.so", root / "elsewhere.so")
    (root / "made/native.so").symlink_to(root / "elsewhere.so")


def pipe(root: Path) -> None:
    (root / "made/native.so").unlink()
    os.mkfifo(root / "made/native.so")


@pytest.mark.parametrize(("change", "kind"), [(remove, "missing"), (link, "unreadable"), (pipe, "unreadable")])
def test_file_that_is_no_file_any_more_is_found(change: Callable[[Path], None], kind: str, made: Path) -> None:
    change(made)
    assert kinds() == [(kind, "made/native.so")]


@pytest.mark.parametrize(
    "name",
    [
        "made/extra.py",
        "made/extra.so",
        "made/extra.pth",
        "made/new/__init__.py",
        "made/extra.pyc",
        "made/__pycache__/extra.cpython-311.pyc",
    ],
)
def test_file_that_nobody_installed_is_found(name: str, made: Path) -> None:
    (made / name).parent.mkdir(exist_ok=True)
    (made / name).write_bytes(b"")
    assert kinds() == [("extra", name)]


def test_folder_that_is_linked_in_is_found(made: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (made / "made/linked").symlink_to(tmp_path / "elsewhere")
    assert kinds() == [("extra", "made/linked")]


def test_bytecode_of_a_recorded_source_is_counted_and_not_judged(made: Path) -> None:
    (made / "made/inner/__pycache__").mkdir()
    (made / "made/inner/__pycache__/code.cpython-311.opt-1.pyc").write_bytes(b"whatever")
    (library,) = check_libraries(["made"]).libraries
    assert (library.faults, library.bytecode) == ((), 2)


def test_module_that_hides_the_library_is_found(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first/made.py").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    assert kinds() == [("shadowed", "made")]
    assert made.is_dir()


def test_second_installation_is_found(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "second")
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    assert ("duplicate", "made") in kinds()
    assert made.is_dir()


def test_library_without_a_record_cannot_be_checked(made: Path) -> None:
    (made / "made-1.0.dist-info/RECORD").unlink()
    assert kinds() == [("no-record", "made")]


def test_library_that_is_not_installed_is_absent() -> None:
    (library,) = check_libraries(["no-such-library"]).libraries
    assert (library.how, library.faults) == ("absent", ())


def locked(signer: Signer, trusted: TrustedKey) -> Lock:
    return read_lock(sign_lock(check_libraries(["made"]), signer), trusted)


def test_library_as_it_was_locked_holds(made: Path, signer: Signer, trusted: TrustedKey) -> None:
    lock = locked(signer, trusted)
    assert lock.signed_by == signer.identity
    report = check_libraries(["made"], lock)
    assert (report.faults, report.locked_by) == ((), signer.identity)
    assert made.is_dir()


def test_record_that_was_rewritten_with_its_file_is_found_by_the_lock_alone(
    made: Path, signer: Signer, trusted: TrustedKey
) -> None:
    lock = locked(signer, trusted)
    changed = FILES | {"made/inner/code.py": b"def answer():\n    return 43\n"}
    (made / "made/inner/code.py").write_bytes(changed["made/inner/code.py"])
    write_record(made, changed)
    assert kinds() == []
    assert kinds(lock) == [("not-as-locked", "made"), ("not-as-locked", "made")]


def test_locked_library_that_is_gone_is_missed(made: Path, signer: Signer, trusted: TrustedKey) -> None:
    lock = locked(signer, trusted)
    shutil.rmtree(made)
    assert [(fault.kind, fault.path) for fault in check_libraries([], lock).faults] == [("not-installed", "made")]


def test_library_that_the_lock_does_not_have_is_found(made: Path, signer: Signer, trusted: TrustedKey) -> None:
    lock = Lock((), locked(signer, trusted).startup, "")
    assert kinds(lock) == [("not-locked", "made")]
    assert made.is_dir()


def test_new_file_at_start_up_is_found_by_the_lock(made: Path, signer: Signer, trusted: TrustedKey) -> None:
    lock = locked(signer, trusted)
    other = Lock(lock.libraries, (("sneaky.pth", "ab" * 32), *lock.startup), lock.signed_by)
    assert [(fault.kind, fault.path) for fault in check_libraries(["made"], other).faults] == [("not-as-locked", "sneaky.pth")]
    assert made.is_dir()


def test_library_with_a_fault_is_not_locked(made: Path, signer: Signer) -> None:
    (made / "made/extra.py").write_bytes(b"")
    with pytest.raises(IntegrityError, match=r"made/extra\.py"):
        sign_lock(check_libraries(["made"]), signer)


def test_lock_of_somebody_else_is_refused(made: Path, signer: Signer, tmp_path: Path) -> None:
    data = sign_lock(check_libraries(["made"]), signer)
    new_key_pair(tmp_path / "other.key", password=None)
    with pytest.raises(SignatureError):
        read_lock(data, load_public_key(tmp_path / "other.key.pub"))
    assert made.is_dir()


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        ("https://example.org/other/v1", {}),
        ("https://cntk-bridge.dev/library-lock/v1", {"libraries": []}),
        ("https://cntk-bridge.dev/library-lock/v1", {"libraries": [{"name": 1}], "startup": []}),
    ],
)
def test_signed_statement_of_another_form_is_no_lock(
    kind: str, predicate: dict[str, object], signer: Signer, trusted: TrustedKey
) -> None:
    statement = Statement((Subject("x", {"sha256": "00"}),), kind, predicate)
    with pytest.raises(InvalidBundleError):
        read_lock(sign_statement(statement, signer), trusted)


def test_editable_installation_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source tree"
    (source / "made").mkdir(parents=True)
    (source / "made/__init__.py").write_bytes(b"")
    root = install(tmp_path / "site", {"made-1.0.dist-info/METADATA": FILES["made-1.0.dist-info/METADATA"]})
    direct_url = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (root / "made-1.0.dist-info/direct_url.json").write_text(json.dumps(direct_url))
    monkeypatch.syspath_prepend(str(root))
    (library,) = check_libraries(["made"]).libraries
    assert (library.how, library.files, library.faults) == ("source-tree", 1, ())
    assert "not checked against a RECORD" in library.note
    before = library.files_sha256
    (source / "made/__init__.py").write_bytes(b"VALUE = 2\n")
    assert check_libraries(["made"]).libraries[0].files_sha256 != before


def test_libraries_that_run_these_tests_are_as_they_were_installed() -> None:
    report = check_libraries([OUR_DISTRIBUTION, "numpy", "onnx", "onnxruntime", "cryptography"])
    assert [str(fault) for fault in report.faults] == []
    assert [library.how for library in report.libraries][1:] == ["record"] * 4
    assert all(library.files > 10 for library in report.libraries)


def test_check_imports_nothing_of_what_it_checks(made: Path) -> None:
    check_libraries(["made"])
    assert "made" not in sys.modules
    assert made.is_dir()
