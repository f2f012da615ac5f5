"""Parts of a converted model in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verify.equivalence.backends import Array, BackendError
from verify.equivalence.bisection.graph import Part

_FOLDER_OPTION = "session.model_external_initializers_file_folder_path"


def backend_name() -> str:
    """The runtime that parts are run in."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__} CPU"


def run_part(part: Part, folder: Path | None) -> dict[str, Array]:
    """Everything that a part makes, by the names of the values; ``BackendError`` where the runtime objects.

    ``folder``: where weights lie that the part refers to.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # Only what ends the process; everything else arrives as an exception.
    if folder is not None:
        options.add_session_config_entry(_FOLDER_OPTION, str(folder.resolve()))
    try:
        session = onnxruntime.InferenceSession(part.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = session.run(list(part.names.values()), part.feeds)
    except Exception as error:  # Its exceptions share no other base.
        raise BackendError(f"onnxruntime does not run it: {str(error).strip().splitlines()[0]}") from error
    return {name: np.asarray(value) for name, value in zip(part.names, values, strict=True)}
