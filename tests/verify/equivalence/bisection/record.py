"""Records the networks in ``recorded/`` with the real CNTK: builds them, then adds the values of all inner variables.

``BRIDGE_CNTK_PYTHON=... BRIDGE_CNTK_LIBRARY_PATH=... python -m tests.verify.equivalence.bisection.record``, from the repository's
folder; what the two variables name is in golden/README.md. Recorded again, nothing changes: seeds are fixed.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bridge.reference.engine import ReferenceEngine
from bridge.reference.values import EVERYTHING, ReferenceValue
from verify.equivalence.cases import load_case

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parents[3] / "golden"
EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Record everything."""
    destination = HERE / "recorded"
    libraries = os.pathsep.join(filter(None, [os.environ.get("BRIDGE_CNTK_LIBRARY_PATH"), os.environ.get("LD_LIBRARY_PATH")]))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries, "PYTHONPATH": str(GOLDEN)}
    command = [os.environ["BRIDGE_CNTK_PYTHON"], "-B", "-W", "ignore", "-m", "cntk_side", str(destination)]
    subprocess.run(command, cwd=HERE, env=environment, check=True)
    engine = ReferenceEngine.find()
    for folder in sorted(destination.iterdir()):
        add_inner_values(folder, engine)


def add_inner_values(folder: Path, engine: ReferenceEngine) -> None:
    """Make every variable that CNTK computes an output of the case in ``folder``."""
    case = load_case(folder)
    given = {variable.description.uid: variable.value for variable in case.inputs}
    values = engine.evaluate(case.model_path(), given, EVERYTHING).values
    document = json.loads((folder / "case.json").read_bytes())
    document["outputs"] = [_described(value) for value in values.values()]
    (folder / "case.json").write_text(json.dumps(document, indent=1) + "\n")
    tensors = {
        key: array
        for kind, batches in (("input", list(given.values())), ("output", [value.value for value in values.values()]))
        for number, batch in enumerate(batches)
        for key, array in _named(f"{kind}/{number}", batch)
    }
    with zipfile.ZipFile(folder / "tensors.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in sorted(tensors.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.array(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def _described(value: ReferenceValue) -> dict[str, Any]:
    variable = value.variable
    entry: dict[str, Any] = {
        "name": variable.name,
        "uid": variable.uid,
        "shape": list(variable.shape),
        "dtype": variable.dtype,
        "dynamic_axes": list(variable.dynamic_axes),
        "sparse": variable.sparse,
    }
    return entry | ({"sequences": len(value.value)} if isinstance(value.value, list) else {})


def _named(key: str, batch: Any) -> list[tuple[str, Any]]:
    return [(f"{key}/{k}", sequence) for k, sequence in enumerate(batch)] if isinstance(batch, list) else [(key, batch)]


if __name__ == "__main__":
    main()
