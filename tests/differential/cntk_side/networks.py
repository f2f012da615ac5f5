"""Whole networks of the layers library: nested blocks, shared parameters, clones, saved with their losses."""

from typing import Any

import cntk
from cntk.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Convolution2D,
    Dense,
    Dropout,
    Embedding,
    Fold,
    For,
    GlobalAveragePooling,
    Label,
    LayerNormalization,
    MaxPooling,
    Recurrence,
    ResNetBlock,
    Sequential,
    SequentialClique,
    Stabilizer,
)
from recorder.case import Case, case
from recorder.parameters import fill_parameters, fill_running_statistics

from cntk_side.program import Program

ACTIVATIONS = (None, cntk.relu, cntk.tanh, cntk.sigmoid, cntk.elu, cntk.softplus, cntk.selu, cntk.softmax, cntk.log_softmax)


def block(p: Program, name: str) -> Any:
    """A block of the user's own, with a parameter inside, nested now and then."""
    weight = cntk.parameter((4, 4), name="weight")

    @cntk.BlockFunction(name, name + "_instance" if p.chance(0.5) else "")
    def inner(x: Any) -> Any:
        return cntk.tanh(cntk.times(x, weight)) + x

    if p.chance(0.5):
        return inner

    @cntk.BlockFunction("Outer" + name, "")
    def outer(x: Any) -> Any:
        return inner(inner(x) * 0.5)

    return outer


def vector_layer(p: Program, number: int) -> Any:
    """A layer that keeps the width 4."""
    kind = p.integer(0, 9)
    if kind < 3:
        return Dense(4, activation=p.one(ACTIVATIONS), bias=p.chance(0.8), name="dense%d" % number if p.chance(0.5) else "")
    if kind == 3:
        return ResNetBlock(Dense(4, activation=cntk.tanh))
    if kind == 4:
        return p.one([LayerNormalization(), BatchNormalization(), Stabilizer(), Dropout(0.3)])
    if kind == 5:
        return For(range(p.integer(1, 3)), lambda: Dense(4, activation=cntk.tanh))
    if kind == 6:
        shared = Dense(4, activation=cntk.sigmoid)
        return Sequential([shared, cntk.negate, shared])
    if kind == 7:
        narrow = Dense(2)
        return lambda x: cntk.splice(narrow(x), -narrow(x))
    return block(p, "User%d" % number) if kind == 8 else SequentialClique([Dense(4), Dense(4, activation=cntk.relu)])


def vector_network(p: Program) -> Any:
    made = [Dense(4)] + [vector_layer(p, number) for number in range(p.integer(1, 5))]
    if p.chance(0.4):
        made.insert(p.integer(1, len(made)), Label("middle"))
    return p.batch((p.integer(1, 5),)), Sequential(made)


def both_ways() -> Any:
    forward, backward = Recurrence(GRU(2)), Recurrence(GRU(2), go_backwards=True)
    return lambda x: cntk.splice(forward(x), backward(x))


def sequence_network(p: Program) -> Any:
    made = [p.one([Embedding(4), Dense(4)])]
    for number in range(p.integer(1, 4)):
        kind = p.integer(0, 4)
        if kind == 0:
            made.append(Recurrence(p.one([LSTM, GRU])(4), go_backwards=p.chance(0.4)))
        elif kind == 1:
            made.append(both_ways())
        else:
            made.append(vector_layer(p, number))
    if p.chance(0.5):
        made.append(p.one([Fold(LSTM(4)), cntk.sequence.last, cntk.sequence.reduce_max, cntk.sequence.first]))
    return p.sequence((p.integer(2, 5),), p.lengths()), Sequential(made)


def image_network(p: Program) -> Any:
    made = []  # type: List[Any]
    for _ in range(p.integer(1, 2)):
        made.append(Convolution2D(3, p.integer(2, 4), activation=p.one(ACTIVATIONS[:7]), pad=True, strides=p.integer(1, 2)))
        made.append(p.one([MaxPooling((2, 2), 2, pad=True), BatchNormalization(map_rank=1), Dropout(0.2), cntk.relu]))
    made.append(p.one([GlobalAveragePooling(), Dense(4, activation=cntk.tanh)]))
    made.append(Dense(4))
    return p.batch((p.integer(1, 3), 8, p.integer(6, 8))), Sequential(made)


def cloned(p: Program, model: Any) -> Any:
    """The network beside a clone that shares its parameters, or has a copy of them frozen."""
    method = p.one([cntk.CloneMethod.share, cntk.CloneMethod.freeze, cntk.CloneMethod.clone])
    (argument,) = model.arguments
    return cntk.splice(model, model.clone(method, {argument: (argument * 0.5).output}))


def build(p: Program) -> Case:
    """A network, now and then saved with its loss and error, of which the prediction is what counts."""
    x, layers = p.one([vector_network, vector_network, sequence_network, sequence_network, image_network])(p)
    z = layers(x)
    fill_parameters(z, p.integer(0, 1 << 30))
    fill_running_statistics(z, p.integer(0, 1 << 30))
    if p.chance(0.3):
        z = cloned(p, z)
    if p.chance(0.3):
        z = cntk.alias(z, "z")
    if p.chance(0.5) or not z.shape:
        return case(z, dict(p.feed))
    label = cntk.input_variable(z.shape, dynamic_axes=list(z.dynamic_axes), name="label")
    with_losses = cntk.combine([z, cntk.cross_entropy_with_softmax(z, label), cntk.classification_error(z, label)])
    return case(with_losses, dict(p.feed), outputs=[z])
