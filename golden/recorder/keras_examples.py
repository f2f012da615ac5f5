"""Makes docs/migrating's models of Keras on CNTK: `python -m recorder.keras_examples DESTINATION`, in golden/.

Needs Keras 2.2.4 and h5py beside CNTK; `KERAS_BACKEND=cntk` chooses the engine.
"""

import os
import sys

import cntk
import numpy as np
from keras import backend, layers, models


def main() -> None:
    """Train a little, and save the same network three ways."""
    folder = sys.argv[1]
    cntk.try_set_default_device(cntk.cpu())
    np.random.seed(15)  # noqa: NPY002  # Keras draws from numpy's own state.
    random = np.random.RandomState(15)
    network = models.Sequential(
        [
            layers.Dense(5, activation="relu", input_shape=(4,)),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.compile("sgd", "categorical_crossentropy")
    samples = (3 * random.standard_normal((64, 4)) + 1).astype(np.float32)
    network.fit(samples, np.eye(3)[random.randint(3, size=64)], epochs=3, verbose=0)
    cntk.combine(network.outputs).save(os.path.join(folder, "keras_after_fit.dnn"))
    network.save(os.path.join(folder, "keras.h5"))

    backend.set_learning_phase(0)
    network = models.load_model(os.path.join(folder, "keras.h5"))
    cntk.combine(network.outputs).save(os.path.join(folder, "keras_for_inference.dnn"))
    np.save(os.path.join(folder, "keras_samples.npy"), samples[:3])
    np.save(os.path.join(folder, "keras_predictions.npy"), network.predict(samples[:3]))


if __name__ == "__main__":
    main()
