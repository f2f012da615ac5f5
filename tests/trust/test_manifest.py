"""bridge.trust.manifest: what a signed statement may say about a model's files."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from bridge.errors import InvalidBundleError
from bridge.trust.manifest import PREDICATE_TYPE, Manifest, left_out, read_manifest, split_shard
from bridge.trust.statement import Statement

_NAMES = ("a.txt", "a/b", "weights.bin")
_SHARDS = ("w:0:10", "w:10:20", "w:20:25", "x:y:0:3")


def _resources(names: tuple[str, ...], algorithm: str = "sha256") -> list[dict[str, Any]]:
    characters = {"sha256": 64, "blake2b": 128, "blake3": 64}[algorithm]
    return [
        {"name": name, "algorithm": algorithm, "digest": f"{number % 256:02x}" * (characters // 2)}
        for number, name in enumerate(names)
    ]


def _statement(resources: list[dict[str, Any]], **serialization: Any) -> dict[str, Any]:
    root = hashlib.sha256(b"".join(bytes.fromhex(item["digest"]) for item in resources)).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "resources": resources,
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, **serialization},
        },
    }


def _read(statement: dict[str, Any]) -> Manifest:
    return read_manifest(Statement.from_json(statement))


def _shards(*names: str, size: Any = 10) -> dict[str, Any]:
    return _statement(_resources(names), method="shards", shard_size=size)


def test_manifest_survives_its_statement() -> None:
    for statement in (_statement(_resources(_NAMES), ignore_paths=[".git"]), _shards(*_SHARDS)):
        manifest = _read(statement)
        assert read_manifest(manifest.statement("m")) == manifest


def test_sizes_are_known_where_files_are_in_pieces() -> None:
    assert _read(_shards(*_SHARDS)).sizes() == {"w": 25, "x:y": 3}
    assert _read(_statement(_resources(_NAMES))).sizes() == dict.fromkeys(_NAMES)


def test_range_of_a_piece_is_behind_the_last_two_colons() -> None:
    assert split_shard("a:1:2:3:4") == ("a:1:2", 3, 4)
    assert split_shard("a:01:2") is None
    assert split_shard("a:-1:2") is None


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b", "blake3"])
def test_every_algorithm_of_the_format_is_read(algorithm: str) -> None:
    assert _read(_statement(_resources(_NAMES, algorithm), hash_type=algorithm)).algorithm == algorithm


def test_what_model_signing_writes_is_read() -> None:
    # Sorted by components, where a folder comes before a file whose name begins alike.
    assert len(_read(_statement(_resources(("a/b", "a.txt")))).resources) == 2
    # The size as a double, in the algorithm's name too; pieces in the order of their offsets.
    resources = _resources(tuple(f"w:{start}:{start + 10}" for start in range(0, 120, 10)))
    for resource in resources:
        resource["algorithm"] = "sha256-sharded-10"
    assert _read(_statement(resources, method="shards", shard_size=10.0)).shard_size == 10


def test_unknown_member_of_a_resource_is_ignored_as_the_format_says() -> None:
    resources = _resources(_NAMES)
    resources[0]["uri"] = "https://example.org"
    assert len(_read(_statement(resources)).resources) == 3


def _put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(statement: dict[str, Any]) -> None:
        node: Any = statement
        *steps, last = path.split(".")
        for step in steps:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("predicateType", "https://slsa.dev/provenance/v1", "predicateType"),
        ("subject", [{"name": "m", "digest": {"sha256": "00"}}] * 2, "subject"),
        ("subject.0.digest", {"sha256": "00" * 32}, "subject[0].digest.sha256"),
        ("subject.0.digest", {"sha512": "00" * 64}, "subject[0].digest.sha256"),
        ("subject.0.name", "", "subject[0].name"),
        ("predicate.extra", 1, "predicate"),
        ("predicate.resources", None, "predicate.resources"),
        ("predicate.resources", [], "predicate.resources"),
        ("predicate.serialization", None, "predicate.serialization"),
        ("predicate.serialization.extra", 1, "predicate.serialization"),
        ("predicate.serialization.method", "lines", "predicate.serialization.method"),
        ("predicate.serialization.hash_type", "md5", "predicate.serialization.hash_type"),
        ("predicate.serialization.allow_symlinks", None, "predicate.serialization.allow_symlinks"),
        ("predicate.serialization.allow_symlinks", "false", "predicate.serialization.allow_symlinks"),
        ("predicate.serialization.shard_size", 10, "predicate.serialization.shard_size"),
        ("predicate.serialization.ignore_paths", ["a", "../b"], "predicate.serialization.ignore_paths[1]"),
        ("predicate.serialization.ignore_paths", ["*.bin"], "predicate.serialization.ignore_paths[0]"),
        ("predicate.serialization.ignore_paths", [""], "predicate.serialization.ignore_paths[0]"),
        ("predicate.serialization.ignore_paths", ["."], "predicate.serialization.ignore_paths[0]"),
        ("predicate.serialization.ignore_paths", [3], "predicate.serialization.ignore_paths[0]"),
        ("predicate.serialization.ignore_paths", ["a"], "predicate.resources"),
        ("predicate.resources.0.name", None, "predicate.resources[0].name"),
        ("predicate.resources.0.digest", None, "predicate.resources[0].digest"),
        ("predicate.resources.0.digest", "00", "predicate.resources[0].digest"),
        ("predicate.resources.0.digest", "FF" * 32, "predicate.resources[0].digest"),
        ("predicate.resources.0.algorithm", "blake3", "predicate.resources[0].algorithm"),
        ("predicate.resources.0.algorithm", None, "predicate.resources[0].algorithm"),
    ],
)
def test_manifest_of_unsound_form_is_refused_by_field(path: str, value: Any, field: str) -> None:
    statement = _statement(_resources(_NAMES))
    _put(path, value)(statement)
    with pytest.raises(InvalidBundleError) as caught:
        _read(statement)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "..",
        "",
        "a\\b",
        "a\x00b",
        "a\nb",
        "a\x7f",
        "x" * 5000,
        "a/" * 65 + "b",
    ],
)
def test_name_that_could_leave_the_root_or_be_read_in_two_ways_is_refused(name: str) -> None:
    with pytest.raises(InvalidBundleError) as caught:
        _read(_statement(_resources((name,))))
    assert caught.value.field == "predicate.resources[0].name"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("b", "a"), "not sorted"),
        (("a", "a"), "stands twice"),
        (("a", "a/b"), "lies in what is listed as a file"),
        ((".", "a"), "a single file beside others"),
        (("cafe\u0301", "caf\u00e9"), "one name in two Unicode forms"),
    ],
)
def test_names_that_do_not_go_together_are_refused(names: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidBundleError, match=reason):
        _read(_statement(_resources(names)))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("w:0:10", "w:20:30"), "a gap in the pieces of 'w' before byte 20"),
        (("w:10:20",), "a gap"),
        (("w:0:5", "w:10:15"), "a gap"),
        (("w:0:11",), "no piece of a file"),
        (("w:5:10",), "no piece of a file"),
        (("w:0:0",), "no piece of a file"),
        (("w",), "no piece of a file"),
        (("w:00:10",), "no piece of a file"),
        (("w:0:99999999999999999999999",), "no piece of a file"),
        (("../w:0:10",), "a name of a file that is not in canonical form"),
    ],
)
def test_pieces_that_do_not_join_up_are_refused(names: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidBundleError, match=reason):
        _read(_shards(*names))


@pytest.mark.parametrize("size", [0, -1, 1.5, 1e300, 1 << 60, "10", True])
def test_size_of_pieces_has_to_be_a_whole_number_of_bytes(size: Any) -> None:
    with pytest.raises(InvalidBundleError) as caught:
        _read(_shards("w:0:10", size=size))
    assert caught.value.field == "predicate.serialization.shard_size"


def test_default_is_not_left_out_where_the_signer_listed_it() -> None:
    manifest = _read(_statement(_resources((".github/x", "a", "claims.jsonl")), ignore_paths=["notes"]))
    assert left_out(manifest, ("claims.jsonl", "model.sig")) == ("notes", ".git", ".gitattributes", ".gitignore", "model.sig")


def test_as_many_paths_to_ignore_as_files_are_read_in_time() -> None:
    names = tuple(f"folder/{number:05}" for number in range(20_000))
    started = time.process_time()
    manifest = _read(_statement(_resources(names), ignore_paths=[f"other/{number}" for number in range(20_000)]))
    assert len(manifest.ignore_paths) == 20_000
    assert time.process_time() - started < 20  # One by one they take minutes.
