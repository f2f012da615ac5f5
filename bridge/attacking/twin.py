"""The twin of a served model: the same network as a PyTorch module, which has gradients."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.attacking.options import AttackOptions
from bridge.errors import InvalidOptionError
from verify.report.document import Model

if TYPE_CHECKING:
    import torch

_NO_TWIN = (
    "attacks with gradients need the model as a PyTorch module: give --twin, the folder that `bridge convert --target torch` "
    "wrote, or --source, the CNTK model, which is then converted"
)


def load_twin(options: AttackOptions, outputs: Sequence[str]) -> tuple[torch.nn.Module, Model]:
    """The module in evaluation mode, and how the report calls it. ``outputs`` are those of the served model.

    Raises ``InvalidOptionError`` where neither or both of a twin and a source are given, ``TrustError`` and ``UnsignedCodeError``
    for a twin that nobody vouches for whom the policy accepts, and the errors of ``bridge.convert``.
    """
    if (options.twin is None) == (options.source is None):
        raise InvalidOptionError(_NO_TWIN if options.twin is None else "give either --twin or --source, not both")
    if options.source is not None:
        return converted_twin(options.source, outputs)
    assert options.twin is not None
    from bridge.attacking.torch_folder import open_torch

    folder = open_torch(options.twin, options)
    return folder.module, Model("source", options.twin.name, folder.ports.source_sha256, "PyTorch twin")


def converted_twin(source: Path, outputs: Sequence[str] | None) -> tuple[torch.nn.Module, Model]:
    """The module that ``source`` is converted to, in a folder that is gone afterwards."""
    from bridge.conversion import convert
    from bridge.targets.pytorch.loading import load_torch

    with tempfile.TemporaryDirectory(prefix="bridge-attack-") as scratch:
        folder = Path(scratch) / "twin"
        result = convert(source, folder, outputs=outputs, target="torch")
        # What is run was written a moment ago by this process, into a folder that nobody else may write to.
        module = load_torch(folder, allow_unsigned=True)
    return module, Model("source", source.name, result.source_sha256, f"CNTK {result.source_format}, converted to PyTorch")
