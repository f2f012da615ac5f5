"""Mutated claims.jsonl files: refused with an error of ours, or what verifies of them is what was signed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.trust.bundle import verify_bundle
from bridge.trust.keys import TrustedKey, load_public_key
from bridge.trust.log.statements import statements_of
from bridge.trust.provenance.claims import read_claims
from tests.cli.golden_folders import LENET, bridge
from tests.fuzz.byte_mutations import mutate_bytes


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, TrustedKey, Path]:
    """The claims of a signed model, as `bridge sign --provenance` writes them, twice over; their key; a folder to write to."""
    folder = tmp_path_factory.mktemp("claims")
    shutil.copy(LENET / "model.dnn", folder / "model.dnn")
    assert bridge("keys", "new", "-o", folder / "k", "--no-password").exit_code == 0
    signed = bridge("sign", folder / "model.dnn", "--key", folder / "k", "--provenance", "--anonymous")
    assert signed.exit_code == 0, signed.output
    return (folder / "model.dnn.claims.jsonl").read_bytes(), load_public_key(folder / "k.pub"), folder


def count_of_read(claims: tuple[bytes, TrustedKey, Path], count: int) -> int:
    data, key, folder = claims
    originals = [claim.data for claim in read_claims(data)]
    said = [verify_bundle(bundle, key).statement.to_json() for bundle in originals]
    assert said
    rng = random.Random(11)  # noqa: S311 - mutations, not keys
    read = 0
    for number in range(count):
        mutated = mutate_bytes(data, [data], rng)
        try:
            bundles = [claim.data for claim in read_claims(mutated)]
            for bundle in bundles:
                assert verify_bundle(bundle, key).statement.to_json() in said
        except BridgeError:
            continue
        finally:
            if number % 50 == 0:
                _log_reads_or_refuses(folder / "mutated.jsonl", mutated)
        read += 1
    return read


def _log_reads_or_refuses(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        assert all(len(statement.entry) == 32 for statement in statements_of(path))
    except BridgeError:
        return


def test_mutated_claims_are_refused_or_say_what_was_signed(claims: tuple[bytes, TrustedKey, Path]) -> None:
    assert count_of_read(claims, 1_000) < 1_000


@pytest.mark.slow
def test_30000_mutations_of_claims_are_refused_or_say_what_was_signed(claims: tuple[bytes, TrustedKey, Path]) -> None:
    assert count_of_read(claims, 30_000) < 30_000
