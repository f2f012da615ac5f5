"""The main job: a CNTK model file in, an ONNX file or the folder of a PyTorch module out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidOptionError
from bridge.light_import import import_onnx_ir
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.sealed import SealedSource
from bridge.version import __version__

if TYPE_CHECKING:
    from bridge.graph.interface import LeftOut
    from bridge.graph.model import Model
    from bridge.lower import LoweredModel, LoweringOptions, PortType
    from bridge.targets.onnx_file import WrittenFile
    from bridge.targets.pytorch.folder import WrittenFolder
    from bridge.trust.opening import OpenedSource
    from bridge.trust.policy.model import Policy
    from bridge.trust.policy.rules import Decision
    from bridge.trust.provenance.history import Evidence

TARGETS = ("onnx", "torch")
SOURCE_SHA256 = "cntk_bridge.source.sha256"
"""The metadata key of an ONNX file under which the source's digest stands."""
_SHOWN = 5
"""How many user-defined functions a warning names."""


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """What a conversion made.

    ``inputs`` and ``outputs`` have names, CNTK uids, element types and shapes (numbers and symbols). ``left_out`` are outputs of
    the model that were not converted, with the reason. ``float32_nodes`` run in float32 because the runtime has no kernel for
    their own type. ``source_verified`` says whether a signature of the source was verified: reading runs nothing either way.
    ``source_decision`` is the policy's, with every rule and the signer, and ``source_evidence`` what it rests on: signature and
    claims; both are ``None`` where no policy was asked, and ``source_evidence`` where an unsigned source was allowed.
    """

    destination: Path
    data_path: Path | None
    source_sha256: str
    sha256: str
    data_sha256: str | None
    inputs: tuple[PortType, ...]
    outputs: tuple[PortType, ...]
    left_out: tuple[LeftOut, ...]
    float32_nodes: tuple[str, ...]
    warnings: tuple[str, ...]
    source_verified: bool
    source_format: str
    opset: int
    seconds: float
    source_decision: Decision | None = None
    source_evidence: Evidence | None = None


def convert(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    outputs: Sequence[str] | None = None,
    target: str = "onnx",
    index_inputs: bool | Collection[str] = False,
    plain_math: bool = False,
    fold: bool = True,
    losses: Sequence[str] = (),
    external_data_threshold: int | None = None,
    policy: Policy | str | os.PathLike[str] | None = None,
    signature: str | os.PathLike[str] | None = None,
    allow_unsigned: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> ConversionResult:
    """Convert the CNTK model file ``source`` to the ONNX file ``destination``, or with ``target="torch"`` to a PyTorch module.

    The PyTorch module goes to the folder ``destination``: ``model.py``, ``model.safetensors``, ``interface.json``, ``README.md``.

    ``outputs``: names or uids of the values wanted; by default the model's predictions, its losses and metrics left out.
    ``index_inputs``: one-hot inputs that become int64 indices, by name; ``True`` for all sparse inputs that allow it.
    ``plain_math``: plain ONNX operators instead of CNTK's rules for log 0, division by 0 and the like.
    ``fold``: fold batch normalisation into the convolution before it.
    ``losses``: names or uids of loss heads that become functions of ``model.py``, apart from the network; PyTorch alone.
    ``external_data_threshold``: bytes of weights beyond which they go to ``<destination>.data``.

    ``policy``: whom to trust: a file, or a ``bridge.trust.policy.model.Policy``. Without it, nothing is verified.
    ``signature``: where the source's signature lies, by default beside it, as ``<source>.sig``.
    ``allow_unsigned``: with a policy, accept a source without a signature; the result and its metadata say so.

    The source is read once, into memory that nobody can change; with a policy it is verified there before anything is parsed.
    Nothing in it is executed. Raises ``PolicyError`` and ``IntegrityError`` for a source that may not be used, ``SourceError``
    for a file that is no sound model, ``InvalidGraphError`` for a network that is none, ``RefusedError`` for one that cannot be
    converted, ``UsageError`` for a wrong call and ``WriteError`` when the result cannot be written; whatever stood at
    ``destination`` is then untouched.
    """
    started = time.perf_counter()
    _check_names(target, outputs=outputs, losses=losses)
    settings = _settings(target, index_inputs=index_inputs, plain_math=plain_math, fold=fold)
    from bridge.lower.builder import OPSET

    with _opened(source, policy, signature, limits, allow_unsigned=allow_unsigned) as opened:
        model, lowered, left_out = lower_bytes(opened.view, outputs, settings, limits, losses)

        def closing_metadata() -> dict[str, str]:
            # Asked for when the weights are written, so that the source is hashed meanwhile, and before anything is put in place.
            return _metadata(opened, model, settings, outputs, losses)

        written: WrittenFile | WrittenFolder
        shown: LoweredModel | WrittenFolder  # whose inputs and outputs the result has
        if target == "torch":
            heads = [port.name for port in lowered.outputs[len(lowered.outputs) - len(losses) :]]
            written = shown = _write_torch(model, lowered, Path(destination), Path(source).stem, heads, closing_metadata)
        else:
            written, shown = _write_onnx(lowered, Path(destination), external_data_threshold, closing_metadata), lowered
        source_sha256 = opened.sha256()
    return ConversionResult(
        destination=written.path,
        data_path=written.data_path,
        source_sha256=source_sha256,
        sha256=written.sha256,
        data_sha256=written.data_sha256,
        inputs=shown.inputs,
        outputs=shown.outputs,
        left_out=left_out,
        float32_nodes=tuple(lowered.report.float32_nodes),
        warnings=tuple(lowered.report.warnings),
        source_verified=_is_verified(opened),
        source_format=model.format,
        opset=OPSET,
        seconds=time.perf_counter() - started,
        source_decision=None if isinstance(opened, SealedSource) else opened.decision,
        source_evidence=None if isinstance(opened, SealedSource) else opened.evidence,
    )


def _opened(
    source: str | os.PathLike[str],
    policy: Policy | str | os.PathLike[str] | None,
    signature: str | os.PathLike[str] | None,
    limits: Limits,
    *,
    allow_unsigned: bool,
) -> SealedSource | OpenedSource:
    """The source in sealed memory, and verified where a policy asks for it."""
    if policy is None and not allow_unsigned:
        if signature is not None:
            raise InvalidOptionError("a signature is verified under a policy, which says whom to trust: give one")
        return SealedSource(source, limits)
    from bridge.trust.opening import open_source
    from bridge.trust.policy.document import default_policy, load_policy

    if policy is None:
        policy = default_policy()
    elif isinstance(policy, str | os.PathLike):
        policy = load_policy(policy)
    return open_source(source, policy, signature=signature, allow_unsigned=allow_unsigned, limits=limits)


def _is_verified(opened: SealedSource | OpenedSource) -> bool:
    return not isinstance(opened, SealedSource) and opened.evidence is not None


def _check_names(target: str, **names: Sequence[str] | None) -> None:
    """The caller's choice of target, outputs and losses, checked before anything is read."""
    if target not in TARGETS:
        raise InvalidOptionError(f"target {target!r}: expected one of {', '.join(TARGETS)}")
    for option, given in names.items():
        if isinstance(given, str):
            raise InvalidOptionError(f"{option}={given!r}: expected a list of names")
    if names["losses"] and target != "torch":
        raise InvalidOptionError("losses become functions of PyTorch source; an ONNX file takes a loss as one of its outputs")


def _settings(target: str, *, index_inputs: bool | Collection[str], plain_math: bool, fold: bool) -> LoweringOptions:
    """The caller's options for the lowering."""
    if isinstance(index_inputs, str):
        raise InvalidOptionError(f"index_inputs={index_inputs!r}: expected a list of names, or True for all sparse inputs")
    import_onnx_ir()
    from bridge.lower.options import LoweringOptions

    chosen: Collection[str] | None = None if index_inputs is True else tuple(index_inputs or ())
    trains = target == "torch"  # What trains keeps its batch normalisation.
    return LoweringOptions(plain_math=plain_math, index_inputs=chosen, fold=fold and not trains, for_training=trains)


def _write_onnx(
    lowered: LoweredModel, destination: Path, threshold: int | None, closing_metadata: Callable[[], dict[str, str]]
) -> WrittenFile:
    """The ONNX target."""
    from bridge.targets.onnx_file import DEFAULT_EXTERNAL_DATA_THRESHOLD, write_onnx

    beyond = DEFAULT_EXTERNAL_DATA_THRESHOLD if threshold is None else threshold
    return write_onnx(lowered.model, destination, external_data_threshold=beyond, closing_metadata=closing_metadata)


def _write_torch(
    model: Model,
    lowered: LoweredModel,
    destination: Path,
    title: str,
    losses: Sequence[str],
    closing_metadata: Callable[[], dict[str, str]],
) -> WrittenFolder:
    """The PyTorch target, told what CNTK calls things."""
    from bridge.targets.pytorch.cntk_names import names_of
    from bridge.targets.pytorch.folder import write_torch

    return write_torch(lowered, names_of(model), destination, title=title, losses=losses, closing_metadata=closing_metadata)


def lower_bytes(
    data: memoryview,
    outputs: Sequence[str] | None,
    options: LoweringOptions,
    limits: Limits = DEFAULT_LIMITS,
    losses: Sequence[str] = (),
) -> tuple[Model, LoweredModel, tuple[LeftOut, ...]]:
    """The bytes of a model file -> the lowered graph, whose weights are views of ``data``."""
    from bridge.graph.axes import folded_axes
    from bridge.graph.blocks import kept_blocks
    from bridge.graph.inference import infer
    from bridge.graph.interface import choose
    from bridge.graph.network import dissolve
    from bridge.graph.user_code import describe_user_code, refuse_user_code
    from bridge.lower import evaluation_order, lower_model
    from bridge.source import read_model

    model = read_model(data, limits)
    network = dissolve(model, kept_blocks(model))
    interface = choose(network, outputs, losses)
    order = evaluation_order(network, interface)
    refuse_user_code(network, order)
    types = infer(network, order, limits, folded_axes(network, order))
    lowered = lower_model(network, types, order, interface, options)
    if model.user_functions:
        unused = ", ".join(describe_user_code(function) for function in model.user_functions[:_SHOWN])
        lowered.report.warn(f"the model holds user code that these outputs do not need, which is left out unread: {unused}")
    return model, lowered, interface.left_out


def _metadata(
    opened: SealedSource | OpenedSource,
    model: Model,
    options: LoweringOptions,
    outputs: Sequence[str] | None,
    losses: Sequence[str],
) -> dict[str, str]:
    """What the file says about its origin. No timestamps: the same source and options give the same bytes."""
    if isinstance(opened, SealedSource):
        trust = {"cntk_bridge.source.verified": "false"}
    else:
        from bridge.trust.opening import source_metadata

        trust = source_metadata(opened.decision)
    indexed = "all sparse inputs" if options.index_inputs is None else ", ".join(sorted(options.index_inputs))
    return {
        "cntk_bridge.version": __version__,
        SOURCE_SHA256: opened.sha256(),
        "cntk_bridge.source.format": f"{model.format} ({model.format_version})",
        **trust,
        "cntk_bridge.options.outputs": "predictions" if outputs is None else ", ".join(outputs),
        "cntk_bridge.options.plain_math": str(options.plain_math).lower(),
        "cntk_bridge.options.fold": str(options.fold).lower(),
        "cntk_bridge.options.index_inputs": indexed,
        **({"cntk_bridge.options.losses": ", ".join(losses)} if losses else {}),
    }
