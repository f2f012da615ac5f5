"""The README of a PyTorch model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.targets.pytorch.layout import laid_out
from bridge.targets.pytorch.naming import is_usable
from bridge.targets.pytorch.program import Region

if TYPE_CHECKING:
    from bridge.lower import PortType


def readme(root: Region, inputs: tuple[PortType, ...], outputs: tuple[PortType, ...], metadata: Mapping[str, str]) -> str:
    """What the folder holds, how the model is loaded, what it takes and gives."""
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
{_usage(root, inputs)}
```

{_table("input", inputs)}

{_table("output", outputs)}

`N` is the batch, `T` the steps of the longest sequence in it, padded at the end. `lengths` may be left out: every sequence is
full length then. Padded steps of outputs are 0.
"""


def _table(title: str, ports: tuple[PortType, ...]) -> str:
    rows = [f"| `{port.name}` | {port.dtype} | [{', '.join(map(str, port.shape))}] |" for port in ports]
    return "\n".join([f"| {title} | type | shape |", "| --- | --- | --- |", *rows])


def _usage(root: Region, inputs: tuple[PortType, ...]) -> str:
    optional = root.optional_names()
    required = [port for port in inputs if port.name not in optional]
    sizes = {"N": 2, "T": 5}
    lines = ["import torch", "from safetensors.torch import load_file", "", f"from model import {root.name}", ""]
    lines += [f"model = {root.name}()", 'model.load_state_dict(load_file("model.safetensors"))', "model.eval()"]
    shown = []
    for port in required:
        shape = ", ".join(str(size if isinstance(size, int) else sizes.get(size, 8)) for size in port.shape)
        function = "zeros" if port.dtype.startswith("int") else "rand"
        made = f"torch.{function}({shape or '()'}, dtype=torch.{port.dtype})"
        shown.append(f"{port.name}={made}" if is_usable(port.name) else f'**{{"{port.name}": {made}}}')
    lines += laid_out(f"outputs = model({', '.join(shown)})", 0)
    return "\n".join(lines)
