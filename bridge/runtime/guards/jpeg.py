"""A sanitiser: images are compressed as JPEG and decompressed again.

It runs in the server's own process, outside of any sandbox, since no byte of a stranger's reaches the decoder: what is decoded is
what the encoder beside it has just written, from whole numbers of 8 bits in an array whose shape was checked.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.errors import GuardRefusedError, InvalidOptionError, UsageError
from bridge.runtime.guards.guard import Array, Call, Kind

_MODES = {1: "L", 3: "RGB"}
_EXTENT_AT_MOST = 65_500  # what the format can say
_PIXELS_AT_MOST = 1 << 26  # below what Pillow takes for a bomb


@dataclass(frozen=True, slots=True)
class JpegSqueeze:
    """Sends every image ``[C, H, W]`` of a batch, C 1 or 3, through JPEG at ``quality`` (1 to 95), with Pillow.

    Takes away detail that the eye does not see, perturbations of whoever does not know of it among that. It is far the dearest of
    the guards: an encoder and a decoder per image. Values are quantised to 8 bits between ``minimum`` and ``maximum`` on the way.
    """

    input: str
    quality: int
    minimum: float = 0.0
    maximum: float = 1.0
    name: str = "jpeg"
    kind: Kind = Kind.SANITISER

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 95 or not self.minimum < self.maximum:
            raise InvalidOptionError(
                f"jpeg: quality {self.quality} from {self.minimum} to {self.maximum}; expected 1 to 95 over a range"
            )
        _pillow()

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """A new array of the same type and shape. Raises ``GuardRefusedError`` for what is no batch of images."""
        if value.ndim != 4 or value.shape[1] not in _MODES:
            found = f"shape {list(value.shape)}"
            raise GuardRefusedError(self.name, self.input, expected="images [N, 1 or 3, H, W]", found=found)
        height, width = value.shape[2:]
        if not (0 < height <= _EXTENT_AT_MOST and 0 < width <= _EXTENT_AT_MOST and height * width <= _PIXELS_AT_MOST):
            expected = f"1 to {_EXTENT_AT_MOST} rows and columns, {_PIXELS_AT_MOST} pixels at most"
            raise GuardRefusedError(self.name, self.input, expected=expected, found=f"{height} by {width}")
        if not np.isfinite(value).all():
            raise GuardRefusedError(self.name, self.input, expected="finite values", found="infinity or not a number")
        span = self.maximum - self.minimum
        octets = np.rint((np.clip(value, self.minimum, self.maximum) - self.minimum) * (255 / span)).astype(np.uint8)
        made = np.stack([self._compressed(image, call) for image in octets]) if len(octets) else octets
        return (made * (span / 255) + self.minimum).astype(value.dtype)

    def _compressed(self, image: Array, call: Call | None) -> Array:
        if call is not None:
            call.left()
        pillow = _pillow()
        mode = _MODES[image.shape[0]]
        pixels = image[0] if mode == "L" else np.moveaxis(image, 0, 2)
        buffer = io.BytesIO()
        pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=self.quality)
        with pillow.open(buffer, formats=("JPEG",)) as opened:
            found = np.asarray(opened)
        return found[None] if mode == "L" else np.moveaxis(found, 2, 0)


def _pillow() -> Any:
    """Pillow's module of images, which is an extra."""
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError("the guard jpeg takes Pillow: pip install 'cntk-bridge[guards]'") from error
    return Image
