"""Records a case from a model file that exists: `python -m recorder.from_file MODEL INPUTS FOLDER [--output NAME]`, in golden/.

INPUTS is an `.npz` archive with an array `[N, *shape]` for every input, under its name or uid; an input over a sequence axis
has one array `[T, *shape]` for each sequence, `<name>/0`, `<name>/1` and so on. Sparse inputs are given dense. Recorded are the
outputs named, or all that need no other inputs: not the losses where no labels are given. The model is copied as it is.
"""

import argparse
import os
import shutil
from typing import Dict, List

import cntk
import numpy as np

from recorder.case import Batch
from recorder.recording import write_case


def main() -> None:
    """Record the case that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("inputs", metavar="INPUTS")
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--output", action="append", default=[], metavar="NAME", help="name or uid of an output; may be repeated")
    arguments = parser.parse_args()
    cntk.try_set_default_device(cntk.cpu())
    model = cntk.load_model(arguments.model)
    with np.load(arguments.inputs) as archive:
        given = {variable.uid: batch for variable in model.arguments for batch in _batches(variable, archive)}
    uids = _outputs(model, arguments.output, given)
    os.makedirs(arguments.folder, exist_ok=True)
    shutil.copyfile(arguments.model, os.path.join(arguments.folder, "model.dnn"))
    write_case(arguments.folder, uids, given, os.path.basename(arguments.model))
    print("recorded %s of %d input(s) in %s" % (", ".join(uids), len(given), arguments.folder))


def _batches(variable: cntk.Variable, archive: Dict[str, np.ndarray]) -> List[Batch]:
    """The value of `variable` in the archive, in its element type; nothing where it has none."""
    for name in (variable.name, variable.uid):
        if name in archive:
            return [np.asarray(archive[name], dtype=variable.dtype)]
        count = sum(1 for key in archive if key.startswith(name + "/"))
        if name and count:
            return [[np.asarray(archive["%s/%d" % (name, j)], dtype=variable.dtype) for j in range(count)]]
    return []


def _outputs(model: cntk.Function, wanted: List[str], given: Dict[str, Batch]) -> List[str]:
    """The uids of the outputs to record."""
    if wanted:
        return [next(output.uid for output in model.outputs if name in (output.name, output.uid)) for name in wanted]
    computable = [head.uid for head in model.outputs if {a.uid for a in cntk.combine([head]).arguments} <= set(given)]
    if not computable:
        needed = ", ".join(argument.name or argument.uid for argument in model.arguments)
        raise SystemExit("no output can be computed from the inputs given; the model's inputs are " + needed)
    return computable


if __name__ == "__main__":
    main()
