"""``.npz`` archives whose bytes depend on their content alone, as those of the shipped golden cases do."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bridge.reference.values import Array

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an entry can bear; numpy's own writer stamps the current one, which would change every file."""


def write_archive(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write ``arrays`` to the new file ``path``, compressed, as ``numpy.load`` reads them."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for key in sorted(arrays):
            entry = zipfile.ZipInfo(f"{key}.npy", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.array(arrays[key], order="C"), allow_pickle=False)
