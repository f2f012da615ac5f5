"""Records random models: `python -m cntk_side DESTINATION --family NAME --seed N --count N [--first N]`.

Prints one line per model: its number and `recorded`, or `refused` and what CNTK said against it.
"""

import argparse
import os
import sys
import zlib
from functools import partial

# One thread and one instruction set, so that sums are added in the same order everywhere; read when the libraries load.
os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"})


def build_and_record(family: str, seed: int, number: int, folder: str) -> None:
    """Record the model that `seed` and `number` mean in `family`; say how that went."""
    from recorder.recording import record

    from cntk_side.families import FAMILIES
    from cntk_side.program import NothingFitsError, Program

    program = Program([seed, zlib.crc32(family.encode()), number])
    source = "tests/differential: %s, seed %d, number %d" % (family, seed, number)
    try:
        record(FAMILIES[family](program), source, folder)
    except (NothingFitsError, ValueError, RuntimeError, TypeError, KeyError, IndexError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        print("%d refused %s" % (number, reason))
    else:
        print("%d recorded" % number)


def main() -> int:
    """Record what was asked for."""
    from recorder.isolation import run_isolated

    from cntk_side.families import FAMILIES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destination", help="the folder to write case folders to")
    parser.add_argument("--family", required=True, choices=sorted(FAMILIES))
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="how many models")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    for number in range(options.first, options.first + options.count):
        folder = os.path.join(options.destination, "%s-%d-%05d" % (options.family, options.seed, number))
        if not run_isolated(partial(build_and_record, options.family, options.seed, number, folder)):
            print("%d refused by a crash of CNTK" % number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
