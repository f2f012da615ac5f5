"""Transformer encoder blocks written by hand, because CNTK's layers library ends before them."""

import cntk
import numpy as np
from cntk.layers import Dense, LayerNormalization

from recorder.case import Case, case
from recorder.networks.sequences import dense_sequences
from recorder.parameters import fill_parameters

MODEL = 16
HEADS = 2
HEAD = MODEL // HEADS
POSITIONS = 6


def layer_norm(x: cntk.Function, name: str) -> cntk.Function:
    """Normalise the last static axis, with the epsilon inside the root, as transformers do."""
    scale = cntk.parameter(MODEL, name="scale")
    bias = cntk.parameter(MODEL, name="bias")
    centred = x - cntk.reduce_mean(x, axis=-1)
    variance = cntk.reduce_mean(cntk.square(centred), axis=-1)
    return cntk.plus(scale * centred / cntk.sqrt(variance + 1e-6), bias, name=name)


def build_static() -> Case:
    """Two blocks over a static axis of six positions, with a causal mask; GELU by its tanh approximation."""
    x = cntk.input_variable((POSITIONS, MODEL), name="tokens")
    mask = cntk.constant(np.triu(np.full((POSITIONS, POSITIONS), -1e9, dtype=np.float32), 1))
    y = x + cntk.parameter((POSITIONS, MODEL), name="positions")
    for number in range(2):
        y = layer_norm(y + _static_attention(y, mask), "attended%d" % number)
        inner = cntk.times(y, cntk.parameter((MODEL, 4 * MODEL), name="W1")) + cntk.parameter(4 * MODEL, name="b1")
        gelu = 0.5 * inner * (1 + cntk.tanh(0.7978845608 * (inner + 0.044715 * cntk.pow(inner, 3))))
        y = layer_norm(y + cntk.times(gelu, cntk.parameter((4 * MODEL, MODEL), name="W2")), "block%d" % number)
    model = fill_parameters(y, seed=21)
    return case(model, {x: np.random.RandomState(22).standard_normal((3, POSITIONS, MODEL)).astype(np.float32)})


def _static_attention(x: cntk.Function, mask: cntk.Constant) -> cntk.Function:
    contexts = []
    for _ in range(HEADS):
        query, key, value = (cntk.times(x, cntk.parameter((MODEL, HEAD), name=name)) for name in ("Q", "K", "V"))
        scores = cntk.times(query, cntk.swapaxes(key)) / np.sqrt(HEAD)
        contexts.append(cntk.times(cntk.softmax(scores + mask, axis=-1), value))
    return cntk.times(cntk.splice(*contexts, axis=-1), cntk.parameter((MODEL, MODEL), name="O"))


def build_sequence() -> Case:
    """One block over ragged sequences: each step attends to the unpacked steps of its own sequence."""
    x = cntk.sequence.input_variable(MODEL, name="tokens")
    attended = LayerNormalization(name="attended")(x + _sequence_attention(x))
    inner = Dense(4 * MODEL, activation=cntk.relu)(attended)
    block = LayerNormalization(name="block")(attended + Dense(MODEL)(inner))
    return case(fill_parameters(block, seed=23), {x: dense_sequences(24, [5, 1, 8], MODEL)})


def _sequence_attention(x: cntk.Function) -> cntk.Function:
    contexts = []
    for _ in range(HEADS):
        query, key, value = (Dense(HEAD, bias=False)(x) for _ in range(3))
        keys, valid = cntk.sequence.unpack(key, 0).outputs
        values = cntk.sequence.unpack(value, 0, no_mask_output=True)
        keys, valid, values = (cntk.sequence.broadcast_as(unpacked, x) for unpacked in (keys, valid, values))
        scores = cntk.reduce_sum(keys * query, axis=-1) / np.sqrt(HEAD)
        masked = cntk.element_select(cntk.expand_dims(valid, -1), scores, cntk.constant(-1e30))
        weights = cntk.softmax(masked, axis=0)
        contexts.append(cntk.reshape(cntk.reduce_sum(weights * values, axis=0), (HEAD,)))
    return Dense(MODEL, bias=False)(cntk.splice(*contexts))
