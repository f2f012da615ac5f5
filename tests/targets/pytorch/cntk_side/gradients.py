"""Run by CNTK's own Python: the gradients of the sum of all squared outputs by each parameter of a recorded model.

Usage: gradients.py CASE_FOLDER RESULT.npz
"""

import json
import os
import sys

import cntk
import numpy as np


def fed(archive, index, spec):
    if "sequences" in spec:
        return [archive["input/%d/%d" % (index, j)] for j in range(spec["sequences"])]
    return archive["input/%d" % index]


def with_dense_inputs(model):
    """Gradients by what reads a sparse input are sparse themselves, which CNTK cannot hand out."""
    dense = {
        argument: cntk.input_variable(argument.shape, dynamic_axes=argument.dynamic_axes, name=argument.name)
        for argument in model.arguments
        if argument.is_sparse
    }
    return model.clone("share", dense) if dense else model


def main(folder, result):
    with open(os.path.join(folder, "case.json")) as file:
        case = json.load(file)
    archive = np.load(os.path.join(folder, "tensors.npz"))
    model = with_dense_inputs(cntk.Function.load(os.path.join(folder, "model.dnn")))
    loss = cntk.reduce_sum(cntk.square(model.outputs[0]))
    by_name = {argument.uid: argument for argument in loss.arguments}
    by_name.update({argument.name: argument for argument in loss.arguments})
    feed = {}
    for index, spec in enumerate(case["inputs"]):
        argument = by_name.get(spec["name"]) or by_name.get(spec["uid"])
        if argument is not None:
            feed[argument] = fed(archive, index, spec)
    parameters = list(loss.parameters)
    gradients = loss.grad(feed, wrt=parameters)
    arrays = {}
    for number, parameter in enumerate(parameters):
        arrays["name/%d" % number] = np.array("%s (%s)" % (parameter.name, parameter.uid))
        arrays["value/%d" % number] = parameter.value
        arrays["gradient/%d" % number] = gradients[parameter] if len(parameters) > 1 else gradients
    np.savez(result, **arrays)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
