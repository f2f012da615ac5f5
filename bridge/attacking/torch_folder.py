"""What the folder of a PyTorch module says of its inputs and outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bridge.attacking.served import Place, TorchPorts
from bridge.errors import InvalidBundleError, InvalidPackageError
from bridge.package.contents import INTERFACE
from bridge.package.interface import INTERFACE_BYTES_AT_MOST
from bridge.trust.small_files import read_small_file
from bridge.trust.strict_json import parse


def torch_ports(folder: Path) -> TorchPorts:
    """The ports that ``interface.json`` states; ``InvalidPackageError`` where it states none."""
    path = folder / INTERFACE
    data = read_small_file(path, what="interface", most=INTERFACE_BYTES_AT_MOST)
    try:
        document = parse(data, what=str(path))
        inputs, outputs = ({place.name: place for place in map(_place, document[side])} for side in ("inputs", "outputs"))
    except (InvalidBundleError, KeyError, TypeError, ValueError) as error:
        raise InvalidPackageError(f"{path}: not that of a PyTorch model of this project: {error}") from error
    return TorchPorts(inputs, outputs, hashlib.sha256(data).hexdigest())


def _place(item: Mapping[str, Any]) -> Place:
    low, high = (None if item.get(end) is None else float(item[end]) for end in ("minimum", "maximum"))
    return Place(str(item["name"]), np.dtype(item["dtype"]), tuple(item["shape"]), bool(item["optional"]), low, high)
