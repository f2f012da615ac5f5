"""CNTK itself, loaded so that it gives the same answer each time."""

import platform
import sys
import types
import warnings
from typing import Any, Dict, NamedTuple

Engine = NamedTuple("Engine", [("cntk", Any), ("versions", Dict[str, str])])


def load_engine(seed):
    """Import CNTK: one thread, deterministic algorithms, a fixed seed, and no Python code from model files."""
    # CNTK's installer of samples imports pip when CNTK is loaded. An empty module stands in, so that there need not be one.
    sys.modules.setdefault("pip", types.ModuleType("pip"))
    warnings.simplefilter("ignore")  # It does not know today's distributions, and misses a GPU.
    import cntk
    import numpy as np
    import scipy

    cntk.cntk_py.set_max_num_cputhreads(1)
    cntk.cntk_py.set_fixed_random_seed(seed)
    cntk.cntk_py.force_deterministic_algorithms()
    cntk.try_set_default_device(cntk.cpu())
    versions = {
        "cntk": cntk.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
    return Engine(cntk, versions)
