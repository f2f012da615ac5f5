"""Every case by the name of its folder."""

from functools import partial
from typing import Callable, Dict

from recorder.case import Case
from recorder.networks import (
    attention_translator,
    conv_autoencoder,
    digits_lenet,
    digits_with_heads,
    double_precision,
    fully_convolutional,
    gru_encoder,
    half_precision,
    language_model,
    legacy_format,
    lstm_tagger,
    recurrences,
    resnet20,
    text_cnn,
    transformer,
    wide_and_deep,
)
from recorder.operators import (
    binary,
    convolution,
    criteria,
    elementwise,
    normalisation,
    pooling,
    products,
    recurrent,
    reductions,
    selection,
    sequences,
    shapes,
    state,
    types,
)

FAMILIES = (
    binary,
    convolution,
    criteria,
    elementwise,
    normalisation,
    pooling,
    products,
    recurrent,
    reductions,
    selection,
    sequences,
    shapes,
    state,
    types,
)


def catalogue(data: str) -> Dict[str, Callable[[], Case]]:
    """Folder name to the function that builds the case; `data` is the folder of digits.npz."""
    cases = {"operators/" + name: build for family in FAMILIES for name, build in family.CASES.items()}
    cases.update(_networks(data))
    return cases


def _networks(data: str) -> Dict[str, Callable[[], Case]]:
    return {
        "attention_translator": attention_translator.build,
        "conv_autoencoder": conv_autoencoder.build,
        "digits_lenet": partial(digits_lenet.build, data),
        "digits_with_heads": partial(digits_with_heads.build, data),
        "double_precision": double_precision.build,
        "fully_convolutional": fully_convolutional.build,
        "gru_encoder": gru_encoder.build,
        "half_precision": half_precision.build,
        "language_model": language_model.build,
        "lstm_tagger": lstm_tagger.build,
        "recurrence_by_hand": recurrences.build_custom,
        "recurrence_with_peepholes": recurrences.build_peephole,
        "resnet20": resnet20.build,
        "text_cnn": text_cnn.build,
        "transformer_over_sequence": transformer.build_sequence,
        "transformer_over_static_axis": transformer.build_static,
        "v1_digits_lenet": partial(legacy_format.build_image, data),
        "v1_lstm_tagger": legacy_format.build_sequence,
        "wide_and_deep": wide_and_deep.build,
    }
