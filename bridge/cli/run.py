"""``bridge run``: verifies a package, loads it and runs it once."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli.console import output_console, plain
from bridge.cli.exits import errors_as_exits
from bridge.cli.guards import GuardsFile
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import TrustOptions

if TYPE_CHECKING:
    from bridge.runtime.served import Array, ServedModel


@with_option_groups
def run_command(
    package: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of a package.", show_default=False)],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="FILE.npz with arrays by name, or NAME=FILE.npy; may be repeated."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where the outputs go, as .npz.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="Seconds.  [default: the limit of the package]")] = None,
    isolated: Annotated[bool, typer.Option("--isolated", help="Run in a sandboxed process of its own.")] = False,
    guards: GuardsFile = None,
    *,
    trust: TrustOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a package once: verify it, check its model, load it, check the inputs, and write the outputs."""
    with errors_as_exits(as_json=as_json, subject=str(package)):
        from bridge.runtime.input_files import read_inputs
        from bridge.runtime.loading import load

        arrays = read_inputs(inputs or [])
        trusted = trust.to_policy()
        started = time.perf_counter()
        isolation: Literal["none", "process"] = "process" if isolated else "none"
        model = load(package, policy=trusted, allow_unsigned=trust.allow_unsigned, isolation=isolation, guards=guards)
        loaded = time.perf_counter()
        try:
            answer = model.run(arrays, timeout=timeout)
            seconds = {"load": loaded - started, "run": time.perf_counter() - loaded}
        finally:
            model.close()
        if output is not None:
            _write(output, answer)
    if as_json:
        typer.echo(json.dumps(_document(model, answer, seconds, output), indent=1))
    else:
        _show(model, answer, seconds)


def _write(output: Path, answer: "dict[str, Array]") -> None:
    import io
    import zipfile

    import numpy as np

    from bridge.targets.atomic import StagedFile, put_in_place
    from bridge.targets.hashed_file import HashedFile
    from bridge.targets.write_failures import explained

    packed = io.BytesIO()
    # Not by numpy.savez, for which an output's name may be an option.
    with zipfile.ZipFile(packed, "w") as archive:
        for name, array in answer.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    with explained(output), StagedFile(output) as file:
        with HashedFile(file.descriptor) as out:
            out.write(packed.getvalue())
            out.finish()
        put_in_place([file])


def _document(model: "ServedModel", answer: "dict[str, Array]", seconds: dict[str, float], output: Path | None) -> dict[str, Any]:
    identity = model.identity
    return {
        "model": {
            "name": identity.name,
            "version": identity.version,
            "root_digest": identity.root_digest,
            "signer": identity.signer,
        },
        "sandbox": identity.sandbox,
        "guards": {"names": list(identity.guards), "sha256": identity.guards_sha256} if identity.guards else None,
        "seconds": seconds,
        "outputs": {name: {"dtype": str(array.dtype), "shape": list(array.shape)} for name, array in answer.items()},
        "written": None if output is None else str(output),
    }


def _show(model: "ServedModel", answer: "dict[str, Array]", seconds: dict[str, float]) -> None:
    console = output_console()
    identity = model.identity
    signer = f"signed by {identity.signer}" if identity.signer else "unsigned"
    console.print(
        plain(f"{identity.name} {identity.version}".rstrip() + f", {signer}, sandbox {identity.sandbox}"), soft_wrap=True
    )
    if identity.guards:
        console.print(plain(f"behind the guards {', '.join(identity.guards)}, sha256 {identity.guards_sha256}"), soft_wrap=True)
    for name, array in answer.items():
        console.print(plain(f"  {name}: {array.dtype} {list(array.shape)}"), soft_wrap=True)
    console.print(plain(f"loaded in {seconds['load']:.3f} s, run in {1000 * seconds['run']:.2f} ms"))
