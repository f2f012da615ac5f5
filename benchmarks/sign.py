"""Signing and verifying one large file, as whole processes beside ``model_signing``, and in process beside hashing alone.

    python benchmarks/sign.py [--megabytes 500] [--runs 3]

``model_signing`` is looked for in the folder that BRIDGE_PEERS names, else in .peers/bin. Runs of the two take turns, so that
what else the machine does falls on both. Where the processor has no SHA extensions, hashing takes most of either program's time,
and a ratio of one half cannot be reached with one chain of SHA-256; the line "hashing alone" says how much that is.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bridge.trust.key_files import new_key_pair
from bridge.trust.keys import load_private_key, load_public_key
from bridge.trust.model_signature import sign_model, verify_model

# Its command line hashes whole files with SHA-256 and nothing else, so that its library has to be called for the rest.
PEER_PROGRAM = """
import sys
from model_signing import hashing, signing
model, key, signature, kind, shard = sys.argv[1:]
config = hashing.Config().set_ignored_paths(paths=[])
if kind == "blake3":
    config.use_file_serialization(hashing_algorithm="blake3")
else:
    config.use_shard_serialization(hashing_algorithm="sha256", shard_size=int(shard))
signing.Config().set_hashing_config(config).use_elliptic_key_signer(private_key=key).sign(model, signature)
"""

CHUNK = 1 << 20
SHARD = 64_000_000


def main() -> None:
    """Print a table of wall-clock seconds, medians, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model" / "weights.bin"
        write_model(model, options.megabytes * 1_000_000)
        new_key_pair(folder / "key", password=None)
        print(f"one file of {options.megabytes} MB, {os.cpu_count()} processors, median of {options.runs} runs, seconds")
        whole_processes(folder, options.runs)
        in_process(folder, options.runs)


def write_model(path: Path, size: int) -> None:
    """A file of ``size`` random bytes, which are then in the page cache."""
    path.parent.mkdir()
    block = os.urandom(CHUNK)
    with path.open("wb") as file:
        for start in range(0, size, CHUNK):
            file.write(block[: size - start])


def whole_processes(folder: Path, runs: int) -> None:
    """``bridge`` and ``model_signing``, as their users start them."""
    bridge = [str(Path(sys.executable).with_name("bridge"))]
    peer = peer_command()
    model, signature, public = folder / "model", folder / "model.sig", folder / "key.pub"
    ours = [*bridge, "sign", str(model), "--key", str(folder / "key"), "-o", str(signature), "--force"]
    check = [*bridge, "verify", str(model), "--public-key", str(public), "--signature", str(signature)]
    theirs: dict[str, Sequence[str]] = {}
    if peer is not None:
        sign = [*peer, "sign", "key", "--private_key", str(folder / "key"), "--signature", str(folder / "peer.sig"), str(model)]
        verify = [*peer, "verify", "key", "--public_key", str(public), "--signature", str(signature), str(model)]
        theirs = {"sign": sign, "verify": verify}
    measured = alternately(
        {
            "start-up alone": [*bridge, "--version"],
            "sign, sha256": ours,
            "verify, sha256": check,
            **{f"model_signing {name}": command for name, command in theirs.items()},
        },
        runs,
    )
    for name, seconds in measured.items():
        print(f"  {name:<28}{seconds:.2f}")
    for name in theirs:
        print(f"  ratio of {name}: {measured[f'{name}, sha256'] / measured[f'model_signing {name}']:.2f}")
    kinds = {"pieces": ["--shard-size", str(SHARD)], "blake3": ["--algorithm", "blake3"]}
    for kind, extra in kinds.items():
        both: dict[str, Sequence[str]] = {f"sign, {kind}": [*ours, *extra]}
        if peer is not None:
            files = [str(model), str(folder / "key"), str(folder / "peer.sig")]
            python = str(Path(peer[0]).with_name("python"))
            both[f"model_signing sign, {kind}"] = [python, "-c", PEER_PROGRAM, *files, kind, str(SHARD)]
        for name, seconds in (alternately(both, runs) | alternately({f"verify, {kind}": check}, runs)).items():
            print(f"  {name:<28}{seconds:.2f}")


def alternately(commands: dict[str, Sequence[str]], runs: int) -> dict[str, float]:
    """The median time of each command, all of them run once before any is run again."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds[name].append(timed(partial(subprocess.run, command, check=True, capture_output=True)))
    return {name: statistics.median(values) for name, values in seconds.items()}


def in_process(folder: Path, runs: int) -> None:
    """The library's functions beside the digest of the same bytes, read into a buffer."""
    model, signer, verifier = folder / "model", load_private_key(folder / "key", None), load_public_key(folder / "key.pub")
    signature = sign_model(model, signer)
    works: dict[str, Callable[[], object]] = {
        "hashing alone, sha256": lambda: digest(model / "weights.bin"),
        "sign_model, sha256": lambda: sign_model(model, signer),
        "verify_model, sha256": lambda: verify_model(model, signature, verifier),
        "sign_model, in pieces": lambda: sign_model(model, signer, shard_size=SHARD),
        "sign_model, blake3": lambda: sign_model(model, signer, algorithm="blake3"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            seconds[name].append(timed(work))
    # The least of several is nearest to what the work itself takes.
    alone = min(seconds["hashing alone, sha256"])
    print("in process, least of the runs")
    for name, values in seconds.items():
        print(f"  {name:<28}{min(values):.3f}  {min(values) / alone:.2f} times hashing alone")


def digest(path: Path) -> str:
    """SHA-256 of a file by way of a buffer of 1 MiB."""
    running, buffer = hashlib.sha256(), bytearray(CHUNK)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            running.update(memoryview(buffer)[:count])
    return running.hexdigest()


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall-clock time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peer_command() -> list[str] | None:
    """``model_signing``, where it is installed."""
    folder = os.environ.get("BRIDGE_PEERS", str(Path(__file__).parents[1] / ".peers" / "bin"))
    found = shutil.which("model_signing", path=folder)
    return [found] if found else None


if __name__ == "__main__":
    main()
