"""Builds the networks of `networks.py` and records their outputs: `python -m cntk_side DESTINATION`, with golden/ on the path."""

import argparse
import os
import sys
from functools import partial

# One thread and one instruction set, so that sums are added in the same order everywhere; read when the libraries load.
os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"})


NAMES = ("image", "text")


def build_and_record(name: str, folder: str) -> None:
    """Build one network and record its outputs."""
    from recorder.recording import record

    from cntk_side.networks import NETWORKS

    record(NETWORKS[name](), "tests/verify/equivalence/bisection/cntk_side: " + name, folder)


def main() -> int:
    """Record each network in a folder of its own, built in a process of its own: uids count what a process has built before."""
    from recorder.isolation import run_isolated

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destination", help="the folder of the networks' folders")
    options = parser.parse_args()
    done = [run_isolated(partial(build_and_record, name, os.path.join(options.destination, name))) for name in NAMES]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
