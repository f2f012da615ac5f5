"""The README of a PyTorch model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.targets.pytorch.building import Program
from bridge.targets.pytorch.layout import laid_out
from bridge.targets.pytorch.module_file import function_names
from bridge.targets.pytorch.naming import identifier, is_usable
from bridge.targets.pytorch.program import Region

if TYPE_CHECKING:
    from bridge.lower import PortType


def readme(
    program: Program,
    inputs: tuple[PortType, ...],
    outputs: tuple[PortType, ...],
    metadata: Mapping[str, str],
    labels: tuple[PortType, ...] = (),
) -> str:
    """What the folder holds, how the model is loaded, what it takes and gives. ``labels`` are inputs of losses alone."""
    root = program.root
    source = metadata.get("cntk_bridge.source.sha256", "")
    origin = f"\nConverted from the CNTK model with SHA-256 `{source}`; its signature was not verified.\n" if source else ""
    return f"""# {root.name}
{origin}
| file | what |
| --- | --- |
| `model.py` | the network, as PyTorch source |
| `model.safetensors` | its parameters and buffers |
| `interface.json` | inputs, outputs and digests, for programs |

```python
{_usage(root, inputs)}{_losses(program, (*inputs, *labels))}
```

{_table("input", inputs)}

{_table("output", outputs)}

`N` is the batch, `T` the steps of the longest sequence in it, padded at the end. `lengths` may be left out: every sequence is
full length then. Padded steps of outputs are 0.
"""


def _losses(program: Program, inputs: tuple[PortType, ...]) -> str:
    """How the first loss is called: predictions come out of the model, labels from the caller."""
    if not program.losses:
        return ""
    region, name = next(iter(function_names(program).items()))
    outputs = dict(zip(program.root.results, program.root.outputs, strict=True))
    examples = {identifier(port.name) or port.name: _example(port) for port in inputs}
    names = {ref: region.names[ref] for ref in region.arguments if ref not in region.optional}
    shown = [
        f'{name}=outputs["{outputs[ref]}"]' if ref in outputs else f"{name}={examples.get(name, name)}"
        for ref, name in names.items()
    ]
    call = f'{name} = model.losses["{region.outputs[0]}"]({", ".join(shown)})'
    return "\n" + "\n".join(laid_out(call, 0))


def _table(title: str, ports: tuple[PortType, ...]) -> str:
    rows = [f"| `{port.name}` | {port.dtype} | [{', '.join(map(str, port.shape))}] |" for port in ports]
    return "\n".join([f"| {title} | type | shape |", "| --- | --- | --- |", *rows])


def _usage(root: Region, inputs: tuple[PortType, ...]) -> str:
    optional = root.optional_names()
    required = [port for port in inputs if port.name not in optional]
    lines = ["import torch", "from safetensors.torch import load_file", "", f"from model import {root.name}", ""]
    lines += [f"model = {root.name}()", 'model.load_state_dict(load_file("model.safetensors"))', "model.eval()"]
    shown = []
    for port in required:
        made = _example(port)
        shown.append(f"{port.name}={made}" if is_usable(port.name) else f'**{{"{port.name}": {made}}}')
    lines += laid_out(f"outputs = model({', '.join(shown)})", 0)
    return "\n".join(lines)


def _example(port: PortType) -> str:
    """A tensor of the port's type, with two samples and five steps."""
    sizes = {"N": 2, "T": 5}
    shape = ", ".join(str(size if isinstance(size, int) else sizes.get(size, 8)) for size in port.shape)
    function = "zeros" if port.dtype.startswith("int") else "rand"
    return f"torch.{function}({shape or '()'}, dtype=torch.{port.dtype})"
