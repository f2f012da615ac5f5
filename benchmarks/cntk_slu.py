"""Makes a network of the shape of CNTK's published language-understanding models, inside CNTK's Python 3.6.

    cntk_slu.py DESTINATION

One-hot query of 943 words, dense as in those files, embedding of 150, batch normalisation, an LSTM of 150 in each direction
whose states start at 0.1, batch normalisation, 129 labels. Parameters have BrainScript's names and seeded values, and the file
is of the v1 format.
"""

import sys
from typing import Any

import cntk  # type: ignore[import-not-found]
import numpy as np

WORDS, EMBEDDED, WIDTH, LABELS = 943, 150, 150, 129
INITIAL_STATE = 0.1

random = np.random.RandomState(7)


def parameter(name: str, *shape: int, centre: float = 0.0) -> Any:
    """A parameter of normal values, scaled by the fan-in."""
    values = centre + random.standard_normal(shape) / np.sqrt(shape[0] if len(shape) > 1 else 100)
    return cntk.Parameter(shape=shape, init=values.astype(np.float32), name=name)


def constant(name: str, values: "np.ndarray") -> Any:
    """A constant that training would have updated."""
    return cntk.Constant(values.astype(np.float32), name=name)


def normalised(x: Any, name: str, width: int) -> Any:
    """Batch normalisation with running statistics away from 0 and 1."""
    return cntk.batch_normalization(
        x,
        parameter(name + ".scale", width, centre=1.0),
        parameter(name + ".bias", width),
        constant(name + ".runMean", 0.1 * random.standard_normal(width)),
        constant(name + ".runVariance", random.uniform(0.5, 2.0, width)),
        spatial=False,
        running_count=cntk.Constant(1000, shape=()),
        epsilon=1e-5,
    )


def lstm(x: Any, name: str, delay: Any) -> Any:
    """An LSTM as BrainScript spells it: the gates side by side in the order input, candidate, forget, output.

    `delay` takes a value and its initial state: CNTK's `past_value` or `future_value`.
    """
    hidden, cell = (cntk.placeholder(shape=(WIDTH,), dynamic_axes=x.dynamic_axes) for _ in range(2))
    weights = parameter(name + ".lstm.W", EMBEDDED, 4 * WIDTH), parameter(name + ".lstm.H", WIDTH, 4 * WIDTH)
    gates = parameter(name + ".lstm.B", 4 * WIDTH) + cntk.times(x, weights[0]) + cntk.times(hidden, weights[1])
    into, candidate, forget, out = (cntk.slice(gates, 0, k * WIDTH, (k + 1) * WIDTH) for k in range(4))
    updated = cntk.sigmoid(forget) * cell + cntk.sigmoid(into) * cntk.tanh(candidate)
    shown = cntk.sigmoid(out) * cntk.tanh(updated)
    return shown.replace_placeholders({hidden: delay(shown, INITIAL_STATE), cell: delay(updated, INITIAL_STATE)})


def main() -> None:
    """Build the network and save it."""
    model = "model.arrayOfFunctions[%d]"
    query = cntk.sequence.input_variable(WORDS, name="query")
    embedded = normalised(cntk.times(query, parameter(model % 0 + ".E", WORDS, EMBEDDED)), model % 1, EMBEDDED)
    directions = [
        lstm(embedded, model % 2 + ".F", cntk.sequence.past_value),
        lstm(embedded, model % 2 + ".G", cntk.sequence.future_value),
    ]
    features = normalised(cntk.splice(*directions), model % 3, 2 * WIDTH)
    last = model % 4 + ".arrayOfFunctions[0]"
    z = cntk.plus(cntk.times(features, parameter(last + ".W", 2 * WIDTH, LABELS)), parameter(last + ".b", LABELS), name="z")
    cntk.cntk_py.save_as_legacy_model(z, sys.argv[1])


if __name__ == "__main__":
    main()
