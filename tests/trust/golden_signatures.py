"""Makes ``data/golden``: one model, and signatures over it by us and by model_signing 1.1.1, to be verified for ever.

    BRIDGE_PEERS=... python -m tests.trust.golden_signatures

Run it for a new release, into a new folder; what exists is never made again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bridge.trust.key_files import new_key_pair
from bridge.trust.keys import load_private_key
from bridge.trust.signature_files import sign
from bridge.version import __version__
from tests.trust.peers import with_model_signing

GOLDEN = Path(__file__).parent / "data" / "golden"
BY_PEER = """
import sys
import model_signing
key, model, folder = sys.argv[1:]
hashing = lambda: model_signing.hashing.Config().set_ignored_paths(paths=[])
for name, config in {
    "files-sha256": hashing().use_file_serialization(hashing_algorithm="sha256"),
    "files-blake2b": hashing().use_file_serialization(hashing_algorithm="blake2"),
    "files-blake3": hashing().use_file_serialization(hashing_algorithm="blake3"),
    "shards-sha256": hashing().use_shard_serialization(hashing_algorithm="sha256", shard_size=1000),
    "shards-blake2b": hashing().use_shard_serialization(hashing_algorithm="blake2", shard_size=1000),
}.items():
    signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(config)
    signing.sign(model, f"{folder}/{name}.sig")
"""


def main() -> int:
    """Make the folder, unless it exists."""
    if GOLDEN.exists():
        sys.stderr.write(f"{GOLDEN} exists, and golden signatures are not made again\n")
        return 1
    model = GOLDEN / "model"
    (model / "parts").mkdir(parents=True)
    # "parts/a" and "parts.txt" sort differently by components and by characters.
    for name, octets in {"weights.bin": bytes(range(256)) * 48, "parts.txt": b"parts", "parts/a": b"a", "empty": b""}.items():
        (model / name).write_bytes(octets)
    with tempfile.TemporaryDirectory() as folder:
        pair = new_key_pair(Path(folder) / "key", curve="p384", password=None)
        (GOLDEN / "key.pub").write_bytes(pair.public_path.read_bytes())
        ours, theirs = GOLDEN / f"bridge-{__version__}", GOLDEN / "model_signing-1.1.1"
        ours.mkdir()
        theirs.mkdir()
        signer = load_private_key(pair.private_path, None)
        for algorithm in ("sha256", "blake2b", "blake3"):
            sign(model, signer, signature=ours / f"files-{algorithm}.sig", algorithm=algorithm)
            sign(model, signer, signature=ours / f"shards-{algorithm}.sig", algorithm=algorithm, shard_size=1000)
        with_model_signing(BY_PEER, pair.private_path, model, theirs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
