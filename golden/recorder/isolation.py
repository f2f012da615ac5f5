"""Runs each case in a process of its own, forked before CNTK has made anything."""

import os
import sys
import traceback
from typing import Callable

import cntk

SEED = 20190426


def run_isolated(work: Callable[[], None]) -> bool:
    """Run `work` in a child process; True when it ended well.

    CNTK numbers everything it makes from a counter of the process, so that a case recorded after another one would get
    other uids than the same case recorded alone. In a fresh child the numbers, and with them the model file, are always the same.
    """
    sys.stdout.flush()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return status == 0
    try:
        cntk.cntk_py.set_max_num_cputhreads(1)
        cntk.cntk_py.set_fixed_random_seed(SEED)
        cntk.cntk_py.force_deterministic_algorithms()
        work()
    except BaseException:  # noqa: BLE001  # The child must never return into its parent's loop.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
