"""An installation against its lock: what is changed, missing or extra is named."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import ReferenceChangedError
from bridge.reference.integrity import InstalledFiles
from tests.reference.wheel_making import make_installation


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "installation"


@pytest.fixture
def files(root: Path) -> InstalledFiles:
    return InstalledFiles(root, make_installation(root))


def _rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def test_what_was_installed_holds(files: InstalledFiles) -> None:
    report = files.check()
    assert report.holds
    assert report.files == 4
    assert report.sentences() == []


def test_one_changed_byte_is_named_with_both_digests(root: Path, files: InstalledFiles) -> None:
    expected = hashlib.sha256((root / "site-packages/engine/core.so").read_bytes()).hexdigest()
    _rewrite(root / "site-packages/engine/core.so", b"\x7fELF and so on!")
    report = files.check()
    assert [(item.path, item.expected) for item in report.changed] == [("site-packages/engine/core.so", expected)]
    assert report.changed[0].computed == hashlib.sha256(b"\x7fELF and so on!").hexdigest()
    assert not report.holds


def test_a_missing_file_is_named(root: Path, files: InstalledFiles) -> None:
    (root / "site-packages/engine/__init__.py").unlink()
    assert files.check().missing == ("site-packages/engine/__init__.py",)


@pytest.mark.parametrize(
    "name", ["sitecustomize.py", "evil.pth", "engine/extra.so", "engine/__pycache__/__init__.cpython-36.pyc"]
)
def test_a_file_of_no_wheel_is_named(root: Path, files: InstalledFiles, name: str) -> None:
    path = root / "site-packages" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"import os\n")
    assert files.check().extra == (f"site-packages/{name}",)


def test_a_record_rewritten_together_with_its_file_does_not_help(root: Path, files: InstalledFiles) -> None:
    module, record = root / "site-packages/engine/__init__.py", root / "site-packages/engine-1.0.dist-info/RECORD"
    before = module.read_bytes()
    _rewrite(module, b"ANSWER = 43\n")
    swapped = record.read_bytes().replace(_encoded(before), _encoded(b"ANSWER = 43\n"))
    _rewrite(record, swapped)
    report = files.check()
    assert [item.path for item in report.changed] == ["site-packages/engine-1.0.dist-info/RECORD"]


def test_a_link_in_the_place_of_a_file_is_no_file(root: Path, files: InstalledFiles, tmp_path: Path) -> None:
    module = root / "site-packages/engine/__init__.py"
    (tmp_path / "same").write_bytes(module.read_bytes())
    module.unlink()
    module.symlink_to(tmp_path / "same")
    report = files.check()
    assert report.changed[0].computed.startswith("unreadable")


def test_a_library_link_that_leads_elsewhere_is_named(root: Path, files: InstalledFiles, tmp_path: Path) -> None:
    link = root / "libraries/libneeded.so.12"
    link.unlink()
    link.symlink_to(tmp_path / "another.so")
    report = files.check()
    assert report.changed[0].path == "libraries/libneeded.so.12"
    assert str(tmp_path / "another.so") in report.changed[0].computed


def test_a_library_that_nobody_asked_for_is_named(root: Path, files: InstalledFiles) -> None:
    (root / "libraries/libc.so.6").write_bytes(b"")
    assert files.check().extra == ("libraries/libc.so.6",)


def test_an_updated_system_library_is_told_apart_from_a_changed_file(files: InstalledFiles, tmp_path: Path) -> None:
    (tmp_path / "libsystem.so.40").write_bytes(b"the next version")
    report = files.check()
    assert report.changed == ()
    assert {item.path for item in report.system} == {str(tmp_path / "libsystem.so.40")}
    assert "an update of the system" in report.sentences()[0]


def _change_time_restored(path: Path) -> None:
    status = path.stat()
    _rewrite(path, bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.chmod(status.st_mode)


@pytest.mark.parametrize("touch", [_change_time_restored, Path.unlink])
def test_a_file_that_changes_while_the_engine_is_in_use_is_named(
    root: Path, files: InstalledFiles, touch: Callable[[Path], None]
) -> None:
    files.check_contents()
    files.check_untouched()
    touch(root / "site-packages/engine/core.so")
    with pytest.raises(ReferenceChangedError, match=r"engine/core\.so"):
        files.check_untouched()


def test_an_engine_that_is_not_the_pinned_one_is_not_started(root: Path, files: InstalledFiles) -> None:
    _rewrite(root / "site-packages/engine/__init__.py", b"")
    with pytest.raises(
        ReferenceChangedError, match=r"engine/__init__\.py: changed: expected [0-9a-f]{64}, computed [0-9a-f]{64}"
    ):
        files.check_contents()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "reference-installation/2"}', "[" * 100_000])
def test_a_damaged_description_asks_for_another_installation(root: Path, files: InstalledFiles, text: str) -> None:
    (root / "installation.json").write_text(text)
    with pytest.raises(ReferenceChangedError, match="install again"):
        files.check()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
