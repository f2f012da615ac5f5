"""What became of converted models, as a table, as sentences and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from bridge.batch import Outcome
from bridge.cli.console import plain, size
from bridge.cli.exits import error_json

if TYPE_CHECKING:
    from bridge.conversion import ConversionResult
    from bridge.lower import PortType


def outcomes_table(outcomes: Sequence[Outcome]) -> Table:
    """One row per model."""
    made = [outcome.result.destination for outcome in outcomes if outcome.result is not None]
    target = "PyTorch" if made and all(path.name == "model.py" for path in made) else "ONNX"
    table = Table(title=f"Converted to {target}", title_justify="left")
    for heading in ("model", "inputs", "outputs", "left out"):
        table.add_column(heading, overflow="fold")
    table.add_column("size", justify="right")
    table.add_column("time", justify="right")
    table.add_column("status")
    for outcome in outcomes:
        if outcome.result is None:
            table.add_row(plain(str(outcome.job.source)), "", "", "", "", "", _status(outcome))
            continue
        result = outcome.result
        table.add_row(
            plain(str(outcome.job.source)),
            plain("\n".join(_tensor(tensor) for tensor in result.inputs)),
            plain("\n".join(_tensor(tensor) for tensor in result.outputs)),
            plain("\n".join(item.name for item in result.left_out)),
            size(_written_bytes(result)),
            f"{result.seconds:.2f} s",
            _status(outcome),
        )
    return table


def remarks(outcomes: Sequence[Outcome]) -> list[str]:
    """What a user should know of each result beyond the table."""
    sentences = []
    for outcome in outcomes:
        if outcome.result is None:
            continue
        result = outcome.result
        sentences.append(f"{outcome.job.source} -> {result.destination}, opset {result.opset}, sha256 {result.sha256}")
        if outcome.package is not None:
            root = outcome.package.root_sha256
            sentences.append(
                f"  signed package {outcome.package.path}, root digest sha256:{root}, {outcome.package.claims} claims"
            )
        sentences += [f"  left out {item.name} ({item.operator}): {item.reason}" for item in result.left_out]
        if result.float32_nodes:
            sentences.append(f"  computed in float32 between casts: {', '.join(result.float32_nodes)}")
        sentences += [f"  {warning}" for warning in result.warnings]
        decision = result.source_decision
        if decision is not None and decision.identity is not None:
            sentences.append(f"  source signed by {decision.identity.name}, accepted by the policy {decision.policy}")
    unverified = sum(outcome.result is not None and not outcome.result.source_verified for outcome in outcomes)
    if unverified:
        sentences.append(f"{unverified} source(s) without a verified signature; the results' metadata says so")
    return sentences


def outcomes_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """All outcomes in JSON's types."""
    return [_outcome_json(outcome) for outcome in outcomes]


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    document: dict[str, Any] = {
        "source": str(outcome.job.source),
        "destination": str(outcome.job.destination),
        "status": _status(outcome).plain,
    }
    if outcome.result is not None:
        document |= _result_json(outcome.result)
    if outcome.package is not None:
        document["package"] = {
            "path": str(outcome.package.path),
            "root_digest": outcome.package.root_sha256,
            "claims": outcome.package.claims,
        }
    if outcome.report is not None:
        document["equivalence"] = outcome.report.to_json()
    if outcome.error is not None:
        document |= error_json(outcome.error)
    return document


def _result_json(result: "ConversionResult") -> dict[str, Any]:
    return {
        "destination": str(result.destination),
        "data_path": str(result.data_path) if result.data_path is not None else None,
        "bytes": _written_bytes(result),
        "source_sha256": result.source_sha256,
        "source_verified": result.source_verified,
        "source_decision": result.source_decision.to_json() if result.source_decision is not None else None,
        "sha256": result.sha256,
        "opset": result.opset,
        "seconds": round(result.seconds, 6),
        "inputs": [_tensor_json(tensor) for tensor in result.inputs],
        "outputs": [_tensor_json(tensor) for tensor in result.outputs],
        "left_out": [{"name": item.name, "operator": item.operator, "reason": item.reason} for item in result.left_out],
        "float32_nodes": list(result.float32_nodes),
        "warnings": list(result.warnings),
    }


def _tensor_json(tensor: "PortType") -> dict[str, Any]:
    return {"name": tensor.name, "uid": tensor.uid, "dtype": tensor.dtype, "shape": list(tensor.shape)}


def _tensor(tensor: "PortType") -> str:
    return f"{tensor.name} {tensor.dtype} [{', '.join(str(dimension) for dimension in tensor.shape)}]"


def _written_bytes(result: "ConversionResult") -> int:
    paths = [result.destination] if result.data_path is None else [result.destination, result.data_path]
    return sum(path.stat().st_size for path in paths)


def _status(outcome: Outcome) -> Text:
    if outcome.result is None:
        return Text("refused", style="bold red")
    if outcome.error is not None:
        return Text("converted, not checked", style="bold red")
    if outcome.report is None:
        return Text("converted", style="green")
    if outcome.report.holds:
        return Text("converted, agrees", style="green")
    return Text("converted, differs", style="bold red")
