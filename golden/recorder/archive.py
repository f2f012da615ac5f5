"""Writes `.npz` archives whose bytes depend on their content alone."""

import io
import zipfile
from typing import Dict

import numpy as np

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can bear; numpy's own writer stamps the current time, which would change every file."""


def write_archive(path: str, arrays: Dict[str, np.ndarray]) -> None:
    """Write `arrays` to `path` as a compressed archive that `numpy.load` reads."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.array(arrays[key], order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(key + ".npy", EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)
