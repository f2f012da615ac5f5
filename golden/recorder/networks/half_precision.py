"""A classifier in float16."""

import cntk
import numpy as np
from cntk.layers import Dense

from recorder.case import Case, case
from recorder.parameters import fill_parameters


def build() -> Case:
    """Dense layers, activations and a softmax, all rounded to float16 after every operator."""
    with cntk.default_options(dtype=np.float16):
        features = cntk.input_variable(20, dtype=np.float16, name="features")
        hidden = Dense(24, activation=cntk.tanh)(features)
        gated = Dense(16)(hidden) * cntk.sigmoid(Dense(16)(hidden))
        logits = Dense(5, name="logits")(gated)
        model = cntk.combine([logits, cntk.softmax(logits, name="probabilities")])
    values = np.random.RandomState(35).standard_normal((5, 20)).astype(np.float16)
    return case(fill_parameters(model, seed=34), {features: values})
