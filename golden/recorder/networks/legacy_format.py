"""Networks saved in the v1 format, through the call that CNTK 2.7 keeps for it out of its documented interface."""

from recorder.case import Case
from recorder.networks import digits_lenet, lstm_tagger


def build_image(data: str) -> Case:
    """The trained digits classifier; v1 gives its input a sequence axis that nothing depends on."""
    return digits_lenet.build(data)._replace(legacy_format=True)


def build_sequence() -> Case:
    """The tagger; v1 has no sparse parameters, blocks or names for axes."""
    return lstm_tagger.build()._replace(legacy_format=True)
