"""A PyTorch module as an ONNX model, by PyTorch's own exporter: for packages that hold a module and no graph.

The exporter follows the module on some samples. What it found is held against the interface: an axis that is free there and was
fixed on the way, as the steps of a loop are, would be served as something else, and is refused.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import torch

from bridge.errors import InvalidOptionError
from bridge.harden.exported_graph import written_as_converted
from bridge.harden.samples import Array
from bridge.light_import import import_onnx_ir
from bridge.package.interface import Tensor

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET: Final = 18
"""The least that the exporter writes."""

WAY_OUT: Final = "give the CNTK file that the package was converted from with --source, or harden the model's ONNX package"


def exported(
    module: torch.nn.Module, feeds: Mapping[str, Array], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> ir.Model:
    """``module`` in evaluation as a model of these inputs and outputs, whose free axes are free. ``feeds`` are some samples.

    Raises ``InvalidOptionError`` where the exporter is not installed, fails, or fixes an axis.
    """
    if find_spec("onnxscript") is None:
        raise InvalidOptionError(
            f"a PyTorch module is exported, which takes onnxscript: pip install 'cntk-bridge[harden]'; or {WAY_OUT}"
        )
    import_onnx_ir()
    import onnx
    import onnx_ir as ir

    free: dict[str, Any] = {
        tensor.name: {axis: torch.export.Dim.AUTO for axis, extent in enumerate(tensor.shape) if isinstance(extent, str)}
        for tensor in inputs
    }
    module.eval()
    try:
        with _quiet():
            program = torch.onnx.export(
                module,
                (),
                kwargs={tensor.name: torch.tensor(feeds[tensor.name]) for tensor in inputs},
                dynamo=True,
                dynamic_shapes=free,
                input_names=[tensor.name for tensor in inputs],
                output_names=[tensor.name for tensor in outputs],
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # The exporter lets through whatever goes wrong in it.
        cause = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise InvalidOptionError(f"the module cannot be exported ({type(error).__name__}: {cause[0]}): {WAY_OUT}") from error
    assert program is not None
    proto: onnx.ModelProto = program.model_proto
    model = ir.from_proto(proto)
    _name_axes(model.graph, inputs, outputs)
    written_as_converted(model.graph)
    return model


def _name_axes(graph: ir.Graph, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Give free axes the names that the interface has for them."""
    import onnx_ir as ir

    for values, tensors in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for value, tensor in zip(values, tensors, strict=True):
            found = list(value.shape) if value.shape is not None else []
            fixed = [
                wanted
                for wanted, own in zip(tensor.shape, found, strict=False)
                if isinstance(wanted, str) and isinstance(own, int)
            ]
            if len(found) != len(tensor.shape) or value.name != tensor.name or fixed:
                raise InvalidOptionError(
                    f"{tensor.name!r} was exported as {value.name} {found}; the interface has {list(tensor.shape)}, and what is "
                    f"free there has to stay so: {WAY_OUT}"
                )
            value.shape = ir.Shape(list(tensor.shape))
    for node in graph:
        node.metadata_props.clear()
        for output in node.outputs:
            output.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells of what is not installed, and of what it will do otherwise some day; neither is about the model."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
