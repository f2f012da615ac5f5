"""bridge.trust.verified: what is handed on is what was verified, whatever happens on the disk in between."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.errors import (
    BridgeError,
    IntegrityError,
    NotAModelError,
    PolicyError,
    SourceChangedError,
    SourceError,
    UnsafePathError,
)
from bridge.limits import Limits
from bridge.trust.model_signature import sign_model
from bridge.trust.policy.document import default_policy, policy_for
from bridge.trust.verified import VerifiedFile, VerifiedFolder, verify_file, verify_folder
from tests.trust.signed_models import new_key, policy_trusting, signed_file, signed_package, write_public

CONTENT = bytes(range(256)) * 256
SIGNER = new_key()


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail, instead of waiting for ever, for what would hang."""

    def expired(*_: object) -> None:
        raise AssertionError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_signed_file_is_handed_on_with_signer_and_digests(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER, CONTENT)
    with verify_file(path, policy_trusting(tmp_path, SIGNER)) as verified:
        assert bytes(verified.view) == CONTENT
        assert verified.view.readonly
        assert verified.sha256() == hashlib.sha256(CONTENT).hexdigest()
        assert verified.decision.accepted
        assert verified.decision.signer == "team"
        assert verified.decision.identity is not None
        assert verified.decision.identity.name == SIGNER.identity
        assert verified.decision.root_digest == hashlib.sha256(hashlib.sha256(CONTENT).digest()).hexdigest()


@pytest.mark.parametrize("options", [{"shard_size": 4096}, {"shard_size": 1 << 30}, {"algorithm": "blake2b"}])
def test_digest_of_the_file_is_known_however_it_was_signed(tmp_path: Path, options: dict[str, object]) -> None:
    path = signed_file(tmp_path, SIGNER, CONTENT)
    path.with_name("model.dnn.sig").write_bytes(sign_model(path, SIGNER, **options))  # type: ignore[arg-type]
    with verify_file(path, policy_trusting(tmp_path, SIGNER)) as verified:
        assert verified.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_signed_package_is_handed_on_file_by_file(tmp_path: Path) -> None:
    files = {"model.onnx": b"graph", "empty": b"", "reports/report.json": b"{}"}
    folder = signed_package(tmp_path / "package", SIGNER, files)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(b"not signed, and not handed on")
    with verify_folder(folder, policy_trusting(tmp_path, SIGNER)) as verified:
        assert {name: bytes(view) for name, view in verified.files.items()} == files


def test_verified_bytes_cannot_be_made_otherwise(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    with verify_file(path, policy_trusting(tmp_path, SIGNER)) as verified:
        with pytest.raises(TypeError, match="made by verify_file alone"):
            VerifiedFile(object(), verified._source, verified.decision, verified.model, verified.evidence)
        with pytest.raises(TypeError, match="made by verify_folder alone"):
            VerifiedFolder(object(), None, verified.decision, verified.model, verified.evidence)  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            verified.view = memoryview(b"other")  # type: ignore[misc]


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"evil")


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"evil")
    other.replace(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("change", [_overwrite, _replace, _link, lambda path: os.truncate(path, 0), lambda path: path.unlink()])
def test_file_changed_after_it_was_verified_changes_nothing(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = signed_file(tmp_path, SIGNER, CONTENT)
    with verify_file(path, policy_trusting(tmp_path, SIGNER)) as verified:
        change(path)
        assert bytes(verified.view) == CONTENT


def test_file_of_a_package_changed_after_it_was_verified_changes_nothing(tmp_path: Path) -> None:
    folder = signed_package(tmp_path / "package", SIGNER)
    with verify_folder(folder, policy_trusting(tmp_path, SIGNER)) as verified:
        os.truncate(folder / "model.onnx", 0)
        _replace(folder / "model.onnx.data")
        shutil.rmtree(folder / "reports")
        assert [bytes(view) for view in verified.files.values()] == [b"graph", b"weights", b"{}"]


class _Swapper:
    """Swaps two names in a folder as fast as it can, in a thread, each swap being one step for whoever looks."""

    def __init__(self, one: Path, other: Path) -> None:
        self._names = (one, other, one.with_name("aside"))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        one, other, aside = self._names
        while not self._stop.is_set():
            one.rename(aside)
            other.rename(one)
            aside.rename(other)
            self._stop.wait(0.004)  # Long enough that some attempts see no swap: each changes the times that are watched.

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _verified_or_refused(verify: Callable[[], list[bytes]], good: list[bytes]) -> tuple[int, int]:
    """How often what came out is what was signed, and how often it was refused; anything else fails."""
    accepted = refused = 0
    while (accepted + refused < 100 or not accepted or not refused) and accepted + refused < 5000:
        try:
            assert verify() == good
            accepted += 1
        except BridgeError:
            refused += 1
    return accepted, refused


@pytest.mark.parametrize("kind", ["file", "symbolic link"])
def test_file_swapped_all_the_time_is_the_signed_one_or_refused(tmp_path: Path, kind: str) -> None:
    policy = policy_trusting(tmp_path, SIGNER, versions={"remember": False})
    path = signed_file(tmp_path, SIGNER, CONTENT)
    other = tmp_path / "other"
    if kind == "file":
        other.write_bytes(CONTENT[::-1])
    else:
        other.symlink_to("/etc/passwd")

    def verify() -> list[bytes]:
        with verify_file(path, policy) as verified:
            return [bytes(verified.view)]

    with _Swapper(path, other):
        accepted, refused = _verified_or_refused(verify, [CONTENT])
    assert accepted
    assert refused


def test_folder_swapped_all_the_time_is_the_signed_one_or_refused(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER, versions={"remember": False})
    package = signed_package(tmp_path / "package", SIGNER)
    evil = tmp_path / "evil"
    shutil.copytree(package, evil)
    (evil / "model.onnx").write_bytes(b"GRAPH")

    def verify() -> list[bytes]:
        with verify_folder(package, policy) as verified:
            return [bytes(view) for view in verified.files.values()]

    with _Swapper(package, evil):
        accepted, refused = _verified_or_refused(verify, [b"graph", b"weights", b"{}"])
    assert accepted
    assert refused


def test_folder_inside_a_package_swapped_all_the_time_is_the_signed_one_or_refused(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER, versions={"remember": False})
    package = signed_package(tmp_path / "package", SIGNER)
    evil = package / ".git"  # Left out of what is signed, so that it may stand there.
    evil.mkdir()
    (evil / "report.json").write_bytes(b"[]")

    def verify() -> list[bytes]:
        with verify_folder(package, policy) as verified:
            return [bytes(view) for view in verified.files.values()]

    with _Swapper(package / "reports", evil):
        accepted, refused = _verified_or_refused(verify, [b"graph", b"weights", b"{}"])
    assert accepted
    assert refused


def test_replaced_parent_folder_makes_no_mixture(tmp_path: Path) -> None:
    """Signature and model are found by the same path, which may lead elsewhere in between: both have to fit all the same."""
    policy = policy_trusting(tmp_path, SIGNER, versions={"remember": False})
    path = signed_file(tmp_path / "models", SIGNER, CONTENT)
    signed_file(tmp_path / "others", SIGNER, CONTENT[::-1])

    def verify() -> list[bytes]:
        with verify_file(path, policy) as verified:
            return [bytes(verified.view)]

    with _Swapper(tmp_path / "models", tmp_path / "others"):
        for _ in range(100):
            try:
                [content] = verify()
            except BridgeError:
                continue
            assert content in {CONTENT, CONTENT[::-1]}


def test_growing_file_is_refused(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    path = signed_file(tmp_path, SIGNER, bytes(16 << 20))
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(bytes(512))

    grower = threading.Thread(target=grow)
    grower.start()
    try:
        with pytest.raises((SourceChangedError, IntegrityError)), within(30):
            verify_file(path, policy)
    finally:
        stop.set()
        grower.join()


def test_file_cut_short_is_refused_with_both_digests(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER, CONTENT)
    os.truncate(path, 100)
    with pytest.raises(IntegrityError) as caught:
        verify_file(path, policy_trusting(tmp_path, SIGNER))
    assert caught.value.path == str(path)
    assert caught.value.expected == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert caught.value.computed == f"sha256:{hashlib.sha256(CONTENT[:100]).hexdigest()}"


def test_empty_file_is_refused(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    os.truncate(path, 0)
    with pytest.raises(NotAModelError, match="is empty"):
        verify_file(path, policy_trusting(tmp_path, SIGNER))


def test_symbolic_link_is_refused(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    (tmp_path / "link.dnn").symlink_to(path)
    shutil.copy(f"{path}.sig", tmp_path / "link.dnn.sig")
    with pytest.raises(UnsafePathError, match="a symbolic link"):
        verify_file(tmp_path / "link.dnn", policy_trusting(tmp_path, SIGNER))


@pytest.mark.parametrize("kind", ["hard link", "symbolic link", "pipe", "socket"])
def test_package_with_something_else_than_files_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = signed_package(tmp_path / "package", SIGNER)
    place = folder / "model.onnx"
    place.rename(tmp_path / "aside")
    if kind == "hard link":
        place.hardlink_to(tmp_path / "aside")
    elif kind == "symbolic link":
        place.symlink_to(tmp_path / "aside")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(place.name)
    with pytest.raises(UnsafePathError, match=kind), within(10):
        verify_folder(folder, policy_trusting(tmp_path, SIGNER))


def test_hard_link_to_a_single_file_is_refused(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    (tmp_path / "second").hardlink_to(path)
    with pytest.raises(UnsafePathError, match="2 names"):
        verify_file(path, policy_trusting(tmp_path, SIGNER))


@pytest.mark.parametrize("name", ["model.dnn", "model.dnn.sig", "model.dnn.claims.jsonl"])
def test_pipe_in_any_place_is_refused_at_once(tmp_path: Path, name: str) -> None:
    path = signed_file(tmp_path, SIGNER)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises((UnsafePathError, PolicyError), match=r"pipe|no regular file"), within(10):
        verify_file(path, policy_trusting(tmp_path, SIGNER))


def test_signature_may_lie_elsewhere(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    (tmp_path / "model.dnn.sig").rename(tmp_path / "elsewhere")
    policy = policy_trusting(tmp_path, SIGNER)
    with pytest.raises(PolicyError, match=r"rule signature.*model\.dnn has no signature"):
        verify_file(path, policy)
    verify_file(path, policy, signature=tmp_path / "elsewhere").close()


def test_wrong_kind_of_path_is_refused(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    with pytest.raises(UnsafePathError, match="a folder, where one model file is expected"):
        verify_file(signed_package(tmp_path / "package", SIGNER), policy)
    with pytest.raises(UnsafePathError, match="where the folder of a package is expected"):
        verify_folder(signed_file(tmp_path, SIGNER), policy)


def test_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    with pytest.raises(SourceError, match="file length too great"):
        verify_file(path, policy_trusting(tmp_path, SIGNER), limits=Limits(file_bytes=3))


def test_default_policy_trusts_nobody_and_says_what_to_do(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    with pytest.raises(PolicyError, match=r"rule signers.*--public-key.*--policy.*--allow-unsigned"):
        verify_file(path, default_policy())


def test_key_alone_makes_a_policy(tmp_path: Path) -> None:
    path = signed_file(tmp_path, SIGNER)
    verify_file(path, policy_for([tmp_path / write_public(tmp_path, "key", SIGNER)])).close()
    with pytest.raises(PolicyError, match="rule signature"):
        verify_file(path, policy_for([tmp_path / write_public(tmp_path, "other", new_key())]))


def test_nothing_stays_open_or_in_memory_after_a_refusal(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    folder = signed_package(tmp_path / "package", SIGNER)
    (folder / "model.onnx").write_bytes(b"GRAPH")
    before, mapped = len(list(Path("/proc/self/fd").iterdir())), _mapped_sources()
    with pytest.raises(IntegrityError):
        verify_folder(folder, policy)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _mapped_sources() <= mapped


def _mapped_sources() -> int:
    """How many copies of sources are mapped. What an earlier test still held may go at any time."""
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("memfd:bridge-source")
