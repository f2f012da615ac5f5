import hashlib
import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidBundleError, InvalidOptionError, UnsafePathError
from bridge.trust.provenance.dataset_manifest import manifest_of, manifest_resource, merkle_root, read_manifest


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "a.csv").write_bytes(b"1,2,3\n")
    (folder / "train" / "b.csv").write_bytes(b"")
    (folder / "labels.txt").write_bytes(b"vier\n")
    return folder


def split_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + split_root(leaves[:half]) + split_root(leaves[half:])).digest()


@given(st.integers(0, 70))
def test_root_is_that_of_the_definition(count: int) -> None:
    leaves = [hashlib.sha256(bytes([index])).digest() for index in range(count)]
    assert merkle_root(leaves) == split_root(leaves)


def test_root_is_made_from_paths_sizes_and_digests(dataset: Path) -> None:
    files = {"labels.txt": b"vier\n", "train/a.csv": b"1,2,3\n", "train/b.csv": b""}
    leaves = []
    for path, octets in files.items():
        text = f'{{"path":"{path}","sha256":"{hashlib.sha256(octets).hexdigest()}","size":{len(octets)}}}'
        leaves.append(hashlib.sha256(b"\0" + text.encode()).digest())
    manifest = manifest_of(dataset)
    assert manifest.root == split_root(leaves).hex()
    assert [entry.path for entry in manifest.entries] == list(files)
    assert manifest.size == 11


def test_root_counts_contents_and_names_and_not_times(dataset: Path) -> None:
    before = manifest_of(dataset).root
    os.utime(dataset / "labels.txt", (1, 1))
    assert manifest_of(dataset).root == before
    (dataset / "labels.txt").rename(dataset / "names.txt")
    renamed = manifest_of(dataset).root
    (dataset / "names.txt").write_bytes(b"fuenf")
    assert len({before, renamed, manifest_of(dataset).root}) == 3


def test_link_in_a_data_set_is_refused(dataset: Path) -> None:
    (dataset / "link").symlink_to(dataset / "labels.txt")
    with pytest.raises(UnsafePathError, match="symbolic link"):
        manifest_of(dataset)


def test_pipe_in_a_data_set_is_refused_without_waiting(dataset: Path) -> None:
    os.mkfifo(dataset / "pipe")
    with pytest.raises(UnsafePathError, match="a pipe"):
        manifest_of(dataset)


def test_single_file_is_no_data_set(dataset: Path) -> None:
    with pytest.raises(InvalidOptionError, match="not a folder"):
        manifest_of(dataset / "labels.txt")


def test_name_in_decomposed_form_has_the_root_of_the_composed_one(tmp_path: Path) -> None:
    roots = []
    for form in ("NFC", "NFD"):
        folder = tmp_path / form
        folder.mkdir()
        (folder / unicodedata.normalize(form, "größe.csv")).write_bytes(b"1")
        roots.append(manifest_of(folder).root)
    assert roots[0] == roots[1]


def test_manifest_stands_for_its_data_set(dataset: Path, tmp_path: Path) -> None:
    file = tmp_path / "digits.json"
    file.write_bytes(manifest_of(dataset).to_bytes())
    assert read_manifest(file.read_bytes(), what="digits.json") == manifest_of(dataset)
    assert manifest_resource(file) == manifest_resource(dataset)
    assert manifest_resource(file).to_json()["annotations"] == {
        "role": "dataset",
        "digestOf": "cntk-bridge/dataset-manifest/1",
        "files": 3,
        "bytes": 11,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda document: document.update(root="00" * 32), "does not fit its own root"),
        (lambda document: document["files"].pop(), "does not fit its own root"),
        (lambda document: document["files"][0].update(size=7), "does not fit its own root"),
        (lambda document: document["files"][0].update(size=-1), r"files\[0\].size"),
        (lambda document: document["files"][0].update(size=True), r"files\[0\].size"),
        (lambda document: document["files"][0].update(sha256="AB" * 32), r"not a SHA-256 in files\[0\].sha256"),
        (lambda document: document["files"][0].update(path="../labels.txt"), "not a path below a folder"),
        (lambda document: document["files"][0].update(path="gro\u0308ße"), "not a path below a folder"),
        (lambda document: document["files"][0].update(more=1), "a member 'more' that the format does not have"),
        (lambda document: document["files"].append(document["files"][0]), "two files are called"),
        (lambda document: document.update(format="other"), "another kind of file"),
    ],
)
def test_manifest_that_was_changed_is_refused(change: object, reason: str, dataset: Path) -> None:
    assert callable(change)
    document = json.loads(manifest_of(dataset).to_bytes())
    change(document)
    with pytest.raises(InvalidBundleError, match=reason):
        read_manifest(json.dumps(document).encode(), what="the manifest")
