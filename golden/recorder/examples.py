"""Makes the models that docs/migrating shows: `python -m recorder.examples DESTINATION`, in golden/, under CNTK's Python.

They show what a conversion does with files that are no golden cases: it refuses them, or they need a decision.
"""

import os
import sys
from typing import Callable, Tuple

import cntk
import numpy as np
from cntk.layers import Dense

from recorder.parameters import fill_parameters


class Double(cntk.ops.functions.UserFunction):
    """User code, which CNTK saves by name and loads by importing it."""

    def __init__(self, argument, name="double"):
        super(Double, self).__init__([argument], name=name)

    def forward(self, argument, device=None, outputs_to_retain=None):  # noqa: ARG002  # CNTK passes them.
        """Twice the argument."""
        return None, 2 * argument

    def infer_outputs(self):
        """Of the argument's shape."""
        argument = self.inputs[0]
        return [cntk.output_variable(argument.shape, argument.dtype, argument.dynamic_axes)]

    def serialize(self):
        """It has no state."""
        return {}


def save_user_code(folder: str) -> None:
    """custom.dnn: a dense layer, a user-defined function, a dense layer."""
    hidden = Dense(3, activation=cntk.relu, name="hidden")(cntk.input_variable(4, name="features"))
    model = Dense(2, name="z")(cntk.user_function(Double(hidden)))
    fill_parameters(model, seed=11).save(os.path.join(folder, "custom.dnn"))


def save_noise(folder: str) -> None:
    """noisy.dnn: a variational encoder, whose code is drawn around a mean that is an output as well."""
    features = cntk.input_variable(6, name="features")
    mean, scale = Dense(2, name="mean")(features), Dense(2, activation=cntk.softplus, name="scale")(features)
    code = cntk.plus(mean, scale * cntk.random.normal_like(scale), name="code")
    model = cntk.combine([mean, code])
    fill_parameters(model, seed=12).save(os.path.join(folder, "noisy.dnn"))


def save_checkpoint(folder: str) -> None:
    """trained.dnn and trained.dnn.ckp: what a trainer writes."""
    features, labels = cntk.input_variable(4, name="features"), cntk.input_variable(2, name="label")
    model = fill_parameters(Dense(2, name="z")(Dense(3, activation=cntk.relu, name="hidden")(features)), seed=13)
    criteria = cntk.cross_entropy_with_softmax(model, labels, name="loss"), cntk.classification_error(model, labels, name="error")
    learner = cntk.sgd(model.parameters, cntk.learning_parameter_schedule(0.1))
    trainer = cntk.Trainer(model, criteria, [learner])
    random = np.random.RandomState(13)
    trainer.train_minibatch(
        {features: random.standard_normal((5, 4)).astype(np.float32), labels: np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0]]}
    )
    trainer.save_checkpoint(os.path.join(folder, "trained.dnn"))
    cntk.cntk_py.save_as_legacy_model(cntk.combine([model, criteria[0], criteria[1]]), os.path.join(folder, "v1_heads.dnn"))


def save_classifier(folder: str) -> None:
    """sequence_classifier.dnn: the network of CNTK's LSTMSequenceClassifier, its C# and C++ example, operator by operator."""
    features = cntk.sequence.input_variable(30, is_sparse=True, name="features")
    embedded = cntk.times(features, _projection(30, 8))
    hidden, cell = (cntk.placeholder(shape=(6,), dynamic_axes=features.dynamic_axes) for _ in range(2))
    shown, kept = _cell(embedded, hidden, cell)
    recurrence = shown.replace_placeholders({hidden: cntk.sequence.past_value(shown), cell: cntk.sequence.past_value(kept)})
    logits = cntk.times(cntk.sequence.last(recurrence), _projection(6, 5))
    model = cntk.plus(logits, _vector(5), name="classifierOutput")
    fill_parameters(model, seed=14).save(os.path.join(folder, "sequence_classifier.dnn"))


def _projection(rows: int, columns: int) -> cntk.Parameter:
    return cntk.parameter((rows, columns))


def _vector(size: int) -> cntk.Parameter:
    return cntk.parameter((size,))


def _stabilised(value: cntk.Function) -> cntk.Function:
    """`Stabilize` of the example: a learned factor, kept positive by a softplus of steepness 4."""
    factor = cntk.constant(0.25) * cntk.log(cntk.constant(1.0) + cntk.exp(cntk.constant(4.0) * cntk.parameter((), name="alpha")))
    return factor * value


def _cell(x: cntk.Function, hidden: cntk.Function, cell: cntk.Function) -> Tuple[cntk.Function, cntk.Function]:
    """`LSTMPCellWithSelfStabilization` of the example: peepholes, and stabilisers before every product with a state."""

    def gate(activation: Callable, peephole: cntk.Function = None) -> cntk.Function:
        total = _vector(6) + cntk.times(x, _projection(8, 6)) + cntk.times(_stabilised(hidden), _projection(6, 6))
        return activation(total if peephole is None else total + _vector(6) * _stabilised(peephole))

    kept = gate(cntk.sigmoid, cell) * cell + gate(cntk.sigmoid, cell) * gate(cntk.tanh)
    return gate(cntk.sigmoid, kept) * cntk.tanh(kept), kept


def main() -> None:
    """Save all of them."""
    cntk.try_set_default_device(cntk.cpu())
    for save in (save_user_code, save_noise, save_checkpoint, save_classifier):
        save(sys.argv[1])


if __name__ == "__main__":
    main()
