"""The folder of a PyTorch module: verified under the policy, or allowed without a signature, and what it says of its inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.attacking.options import AttackOptions
from bridge.attacking.served import Place, TorchPorts
from bridge.conversion import SOURCE_SHA256
from bridge.errors import InvalidBundleError, InvalidPackageError
from bridge.package.contents import INTERFACE
from bridge.trust.strict_json import parse

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class TorchFolder:
    """The module in evaluation mode, its ports, and the root digest of the signed package, empty for an unsigned folder."""

    module: torch.nn.Module
    ports: TorchPorts
    root_sha256: str = ""


def open_torch(folder: Path, options: AttackOptions) -> TorchFolder:
    """Load what is in ``folder``, which runs its code: held to the same policy and keys as a package that is served.

    Raises as ``bridge.load_torch`` does.
    """
    from bridge.package.torch_loading import load_torch_folder

    loaded = load_torch_folder(folder, policy=options.policy, allow_unsigned=options.allow_unsigned)
    return TorchFolder(loaded.module, _ports(loaded.interface, folder / INTERFACE), loaded.root_sha256)


def _ports(data: bytes, path: Path) -> TorchPorts:
    """The ports that ``interface.json`` states; ``InvalidPackageError`` where it states none."""
    try:
        document = parse(data, what=str(path))
        inputs, outputs = ({place.name: place for place in map(_place, document[side])} for side in ("inputs", "outputs"))
        source = str(document.get("metadata", {}).get(SOURCE_SHA256, ""))
    except (InvalidBundleError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidPackageError(f"{path}: not that of a PyTorch model of this project: {error}") from error
    return TorchPorts(inputs, outputs, hashlib.sha256(data).hexdigest(), source)


def _place(item: Mapping[str, Any]) -> Place:
    low, high = (None if item.get(end) is None else float(item[end]) for end in ("minimum", "maximum"))
    return Place(
        str(item["name"]),
        np.dtype(item["dtype"]),
        tuple(item["shape"]),
        bool(item["optional"]),
        low,
        high,
        str(item.get("lengths", "")),
    )
