"""Records what lies inside models: `python -m cntk_side DESTINATION [--case CASE]`, with golden/ on the path.

Every variable that CNTK lets one evaluate becomes an output of the new case. Without a case it is the two networks of
`networks.py`, each in a folder of its own below the destination.
"""

import argparse
import json
import os
import shutil
import sys

# One thread and one instruction set, so that sums are added in the same order everywhere; read when the libraries load.
os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"})


def main() -> int:
    """Record one case, or the networks."""
    from recorder.recording import record

    from cntk_side.networks import NETWORKS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destination", help="the folder of the new case, or of the networks' folders")
    parser.add_argument("--case", help="the folder of a golden case to record again")
    options = parser.parse_args()
    if options.case:
        again(options.case, options.destination)
        return 0
    for name, build in NETWORKS.items():
        folder = os.path.join(options.destination, name)
        record(build(), "tests/verify/equivalence/bisection/cntk_side: " + name, folder)
        again(folder, folder)
    return 0


def again(case: str, destination: str) -> None:
    """Record a case again with what lies inside, and say what CNTK does not evaluate."""
    from cntk_side.values import record_inside

    with open(os.path.join(case, "case.json")) as stream:
        description = json.load(stream)
    if case != destination:
        os.makedirs(destination, exist_ok=True)
        shutil.copyfile(os.path.join(case, description["model"]), os.path.join(destination, "model.dnn"))
    missed = record_inside(case, description, destination)
    print("%s: not evaluated: %s" % (destination, ", ".join(missed) or "none"))


if __name__ == "__main__":
    sys.exit(main())
