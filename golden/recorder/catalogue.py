"""Every case by the name of its folder."""

from functools import partial
from typing import Callable, Dict

from recorder.case import Case
from recorder.networks import digits_lenet, lstm_tagger, resnet20


def catalogue(data: str) -> Dict[str, Callable[[], Case]]:
    """Folder name to the function that builds the case; `data` is the folder of digits.npz."""
    return {
        "digits_lenet": partial(digits_lenet.build, data),
        "lstm_tagger": lstm_tagger.build,
        "resnet20": resnet20.build,
    }
