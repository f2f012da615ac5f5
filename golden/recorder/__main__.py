"""Records the golden cases: `python -m recorder DESTINATION [--data DIR] [--only SUBSTRING] [--list]`, run from `golden/`."""

import argparse
import os
import sys
from functools import partial
from typing import Any, Callable

# One thread and one instruction set, so that sums are added in the same order everywhere; read when the libraries load.
os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"})


def build_and_record(build: Callable[[], Any], name: str, folder: str) -> None:
    """Build one case and write it to `folder`."""
    from recorder.recording import record

    record(build(), "golden/recorder: " + name, folder)


def main() -> int:
    """Record what was asked for; 0 when every case was recorded."""
    from recorder.catalogue import catalogue
    from recorder.isolation import run_isolated

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destination", help="the folder to write case folders to")
    parser.add_argument("--data", default=".", help="the folder with digits.npz (see export_digits.py)")
    parser.add_argument("--only", default="", help="record the cases whose folder name contains this text")
    parser.add_argument("--list", action="store_true", help="list the cases and record nothing")
    options = parser.parse_args()
    failed = []
    for name, build in sorted(catalogue(options.data).items()):
        if options.only not in name:
            continue
        print(name)
        folder = os.path.join(options.destination, name)
        if not options.list and not run_isolated(partial(build_and_record, build, name, folder)):
            failed.append(name)
    print("not recorded: " + ", ".join(failed) if failed else "all recorded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
