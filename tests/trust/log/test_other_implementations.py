"""Other people's verifiers accept our logs and proofs, and refuse them when they are changed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.trust.log.checkpoint import read_checkpoint
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.inclusion import prove_entry
from bridge.trust.log.storage import Storage
from bridge.trust.log.tile_reader import TileReader
from bridge.trust.log.tree import consistency_path, nodes_of, root
from tests.trust.log.sample_logs import SIGNER, entries, entry, grown_log

ROOT = Path(__file__).parents[3]
GO_SOURCES = Path("/usr/share/gocode")  # Where Debian's golang-golang-x-mod-dev puts them.
PEERS = Path(os.environ.get("BRIDGE_PEERS", ROOT / ".peers/bin"))
SIZE, OLD_SIZE = 600, 300
QUESTIONS = [(0, 1), (255, 256), (256, 255), (599, 599), (300, 300)]

SIGSTORE_VERIFIER = """
import base64, json, sys
from types import SimpleNamespace
from sigstore._internal.merkle import verify_merkle_inclusion
question = json.load(sys.stdin)
decoded = lambda texts: [base64.b64decode(text) for text in texts]
proof = SimpleNamespace(log_index=question["Index"], tree_size=question["Size"], hashes=decoded(question["Path"]),
                        root_hash=base64.b64decode(question["Root"]))
body = base64.b64decode(question["Entry"])
try:
    verify_merkle_inclusion(SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=body)))
except Exception as error:
    sys.exit(str(error)[:200])
print("accepted")
"""


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def question_about(log: Storage, folder: Path, index: int, old_size: int) -> dict[str, Any]:
    checkpoint = read_checkpoint(log.read_checkpoint()).checkpoint
    nodes = nodes_of([leaf_hash(value) for value in entries(0, SIZE)])
    proof = prove_entry(log, entry(index))
    return {
        "Log": str(folder),
        "VerifierKey": SIGNER.key.to_text(),
        "Checkpoint": log.read_checkpoint().decode(),
        "Size": checkpoint.size,
        "Root": text(checkpoint.root),
        "Index": index,
        "Entry": text(entry(index)),
        "Path": [text(step) for step in proof.path],
        "OldSize": old_size,
        "OldRoot": text(root(nodes, old_size)),
        "Consistency": [text(step) for step in consistency_path(TileReader(log, SIZE).nodes, old_size, SIZE)],
    }


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, Path]:
    folder = tmp_path_factory.mktemp("logs") / "log"
    return grown_log(folder, [OLD_SIZE, SIZE]), folder


@pytest.fixture(scope="module")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None or not (GO_SOURCES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {"GOPATH": str(GO_SOURCES), "GO111MODULE": "off", "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    source = Path(__file__).with_name("x_mod_verifier.go")
    command = ["go", "build", "-o", str(folder / "verifier"), str(source)]
    subprocess.run(command, check=True, env=environment, cwd=folder, timeout=600)
    return folder / "verifier"


def answer(command: list[str], question: dict[str, Any]) -> str:
    finished = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False, timeout=60)
    return (finished.stdout or finished.stderr).strip()


@pytest.mark.parametrize(("index", "old_size"), QUESTIONS)
def test_go_checksum_database_client_accepts_checkpoint_proofs_and_tiles(
    index: int, old_size: int, log: tuple[Storage, Path], go_verifier: Path
) -> None:
    question = question_about(*log, index, old_size)
    assert answer([str(go_verifier)], question) == "accepted"


@pytest.mark.parametrize("member", ["VerifierKey", "Checkpoint", "Index", "Entry", "Path", "OldRoot", "Consistency"])
def test_go_checksum_database_client_refuses_what_was_changed(member: str, log: tuple[Storage, Path], go_verifier: Path) -> None:
    question = question_about(*log, 256, OLD_SIZE)
    other = question_about(*log, 257, OLD_SIZE + 1)
    other["VerifierKey"] = SIGNER.key.to_text()[:-4] + "AAA="
    other["Checkpoint"] = question["Checkpoint"].replace("\n600\n", "\n601\n")
    assert answer([str(go_verifier)], question | {member: other[member]}) != "accepted"


@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_sigstore_verifier_accepts_our_inclusion_proofs(index: int, log: tuple[Storage, Path]) -> None:
    python = PEERS / "python"
    if not python.exists():
        pytest.skip("needs the peers that ./dev test installs")
    question = question_about(*log, index, OLD_SIZE)
    assert answer([str(python), "-c", SIGSTORE_VERIFIER], question) == "accepted"
    assert answer([str(python), "-c", SIGSTORE_VERIFIER], question | {"Index": index ^ 1}) != "accepted"
