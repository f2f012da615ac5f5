"""Mutated bundles, statements and JSON: they are refused by an error of ours, soon, or they are what they were."""

from __future__ import annotations

import base64
import json
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.trust.bundle import read_bundle, verify_bundle
from bridge.trust.certificates import load_trusted_roots
from bridge.trust.keys import load_public_key
from bridge.trust.manifest import PREDICATE_TYPE, read_manifest
from bridge.trust.signers import any_of
from bridge.trust.statement import Statement
from bridge.trust.strict_json import parse
from tests.fuzz.byte_mutations import mutate_bytes

_DATA = Path(__file__).parent / "data"
_PATHS = sorted([*_DATA.rglob("*.sig"), *(_DATA / "specification-vectors" / "valid").iterdir()])
_BUNDLES = [path.read_bytes() for path in _PATHS]
_STATEMENTS = [base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"]) for data in _BUNDLES]
_VERIFIER = any_of(
    [
        load_public_key(_DATA / "model-transparency" / "signing-key-pub.pem"),
        load_public_key(_DATA / "golden" / "key.pub"),
        load_trusted_roots([_DATA / "model-transparency" / "ca-cert.pem"]),
    ]
)
_SECONDS = 5.0  # On a machine that does much else; alone, the worst takes about one second.
_STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1 << 62, 1e308, "", "\x00", "../../etc/passwd", "a" * 10_000, "\u202e", [], {}, [[]], {"": None}),
    *("AAAA", "application/vnd.in-toto+json", "sha256", "files", "shards", {"rawBytes": "AAAA"}, [{}] * 20),
)


def _statement_is_refused_or_sound(data: bytes) -> None:
    manifest = read_manifest(Statement.from_bytes(data))
    assert manifest.resources
    assert not any(name.startswith("/") or ".." in name.split("/") for name in manifest.sizes())


def _bundle_is_refused_or_sound(data: bytes) -> None:
    # What verifies has to be one of the statements that were signed.
    assert verify_bundle(data, _VERIFIER).statement.to_json() in _SIGNED


_SIGNED = [json.loads(payload) for payload in _STATEMENTS]


def _tried(work: Callable[[bytes], None], data: bytes) -> bool:
    """Whether the data was accepted. Any error but ours fails the test, and so does one that takes long."""
    start = time.process_time()
    try:
        work(data)
    except BridgeError:
        return False
    finally:
        assert time.process_time() - start < _SECONDS
    return True


def _mutated_tree(value: Any, rng: random.Random) -> Any:
    """A parsed JSON value with one member replaced, removed, doubled or moved."""
    value = json.loads(json.dumps(value))
    holders: list[Any] = []
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict | list) and node:
            holders.append(node)
            pending.extend(node.values() if isinstance(node, dict) else node)
    holder = rng.choice(holders)
    key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    match rng.randrange(5):
        case 0:
            holder[key] = rng.choice(_STRANGE)
        case 1:
            del holder[key]
        case 2 if isinstance(holder, list):
            holder.insert(key, holder[key])
        case 3:
            other = rng.choice(holders)
            holder[key] = json.loads(json.dumps(rng.choice(list(other.values() if isinstance(other, dict) else other))))
        case _ if isinstance(holder[key], str) and holder[key]:
            at = rng.randrange(len(holder[key]))
            holder[key] = holder[key][:at] + chr(rng.choice((0, 47, 48, 58, 92, 0xE9, 0x301, 0x1F600))) + holder[key][at + 1 :]
        case _:
            holder[key] = [holder[key]]
    return value


def _run(work: Callable[[bytes], None], sources: list[bytes], count: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - Mutations, not keys.
    accepted = 0
    for number in range(count):
        source = rng.choice(sources)
        tree = number % 2 == 0
        data = json.dumps(_mutated_tree(json.loads(source), rng)).encode() if tree else mutate_bytes(source, sources, rng)
        accepted += _tried(work, data)
    # Were everything refused at the door, nothing behind it would have been tried.
    assert accepted > 0


def test_mutated_bundles_are_refused_or_sound() -> None:
    _run(_bundle_is_refused_or_sound, _BUNDLES, 1500, seed=1)


def test_mutated_statements_are_refused_or_sound() -> None:
    _run(_statement_is_refused_or_sound, _STATEMENTS, 1500, seed=2)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_bundles() -> None:
    _run(_bundle_is_refused_or_sound, _BUNDLES, 100_000, seed=3)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_statements() -> None:
    _run(_statement_is_refused_or_sound, _STATEMENTS, 100_000, seed=4)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_texts() -> None:
    def work(data: bytes) -> None:
        # What is read, Python's own parser reads as the same.
        assert parse(data, what="text") == json.loads(data)

    _run(work, _BUNDLES + _STATEMENTS, 100_000, seed=5)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(), children, max_size=5),
    max_leaves=30,
)


@settings(max_examples=60)
@given(_JSON)
def test_any_json_is_refused_as_a_bundle(value: Any) -> None:
    with pytest.raises(BridgeError):
        read_bundle(json.dumps(value).encode("utf-8", "surrogatepass"))


@settings(max_examples=60)
@given(_JSON)
def test_any_json_is_refused_as_a_predicate(value: Any) -> None:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": "00"}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": value,
    }
    with pytest.raises(BridgeError):
        read_manifest(Statement.from_bytes(json.dumps(statement).encode()))


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_bundle(data: bytes) -> None:
    with pytest.raises(BridgeError):
        read_bundle(data)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (1 << 20),
        b'{"a":' * (1 << 18),
        b'{"mediaType":"' + b"a" * (1 << 24) + b'"}',
        b'{"a":[' + b"0," * (1 << 18) + b"0]}",
        b'{"dsseEnvelope":{"payload":"' + b"A" * (1 << 24) + b'"}}',
        b"[" + b'"",' * 3_000_000 + b'""]',
        b"9" * (1 << 20),
    ],
)
def test_memory_stays_in_proportion_to_the_input(data: bytes) -> None:
    assert not _tried(_bundle_is_refused_or_sound, data)
    tracemalloc.start()
    try:
        with pytest.raises(BridgeError):
            read_bundle(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(data) + (1 << 20)
