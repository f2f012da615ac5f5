"""The signed source, converted again: an admitted graph that differs from what the converter makes of it has something added.

A backdoor in the architecture, a second path from input to output that a trigger opens, consists of admitted operators and passes
every check on the file. It cannot pass this one: conversion is deterministic, and the source is there to convert.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bridge.conversion import SOURCE_SHA256, ConversionResult, convert
from bridge.errors import IntegrityError, InvalidPackageError, RefusedModelError
from bridge.runtime.admission.message import read_message
from bridge.runtime.admission.message_differences import Difference, ParsedFile, graph_differences
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.opening import OpenedPackage, open_package
from bridge.trust.policy.document import policy_for
from bridge.trust.policy.model import Policy

RECONVERSION: Final = "reconversion"
"""The name of this check in errors."""

_MOST_DIFFERENCES: Final = 20
_OPTIONS: Final = "cntk_bridge.options."
_ALL_SPARSE: Final = "all sparse inputs"
_PREDICTIONS: Final = "predictions"

StrPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Reconversion:
    """``source_sha256`` was converted with ``options``; ``nodes`` and ``tensors`` of the main graph are the same, bit for bit."""

    source_sha256: str
    options: Mapping[str, Any]
    nodes: int
    tensors: int


def compare_with_reconversion(
    package: StrPath,
    source: StrPath,
    *,
    policy: Policy | None = None,
    signature: StrPath | None = None,
    allow_unsigned: bool = False,
    limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
) -> Reconversion:
    """Convert ``source`` again with the options that the package states, and compare the two graphs, weights included.

    Package and source are verified under ``policy``; ``allow_unsigned`` is for either. Raises ``IntegrityError`` for a source
    other than the one that the package says it was made from, ``RefusedModelError`` of the check ``reconversion`` with the first
    differences, and whatever verification, admission and conversion raise. A package of another release of the converter may
    differ for no bad reason: compare with the release that it names.
    """
    trusted = policy if policy is not None else policy_for((), ())
    with open_package(package, trusted, limits, allow_unsigned=allow_unsigned) as opened, tempfile.TemporaryDirectory() as folder:
        stated = dict(opened.admitted.parsed.metadata)
        options = _options(stated)
        again = Path(folder) / "model.onnx"
        result = convert(source, again, policy=trusted, signature=signature, allow_unsigned=allow_unsigned, **options)
        if result.source_sha256 != stated.get(SOURCE_SHA256):
            raise IntegrityError(
                os.fspath(source),
                expected=stated.get(SOURCE_SHA256, "a source that the package names"),
                computed=result.source_sha256,
                advice="the package was made from another source",
            )
        _refuse_differences(_differences(opened, result, limits), stated.get("cntk_bridge.version", "unknown"))
        graph = opened.admitted.parsed.graph
        return Reconversion(result.source_sha256, options, len(graph.nodes), len(graph.initializers))


def _options(stated: Mapping[str, str]) -> dict[str, Any]:
    """The options of a conversion, from the metadata of what it wrote."""
    try:
        outputs, indexed = stated[f"{_OPTIONS}outputs"], stated[f"{_OPTIONS}index_inputs"]
        return {
            "outputs": None if outputs == _PREDICTIONS else outputs.split(", "),
            "index_inputs": True if indexed == _ALL_SPARSE else indexed.split(", ") if indexed else False,
            "plain_math": stated[f"{_OPTIONS}plain_math"] == "true",
            "fold": stated[f"{_OPTIONS}fold"] == "true",
        }
    except KeyError as error:
        raise InvalidPackageError(f"the model does not say how it was converted: no metadata {error.args[0]!r}") from error


def _differences(opened: OpenedPackage, result: ConversionResult, limits: RuntimeLimits) -> list[Difference]:
    ours = memoryview(result.destination.read_bytes())
    beside: dict[str, memoryview] = {}
    if result.data_path is not None:
        beside[result.data_path.name] = memoryview(result.data_path.read_bytes())
    admitted = opened.admitted
    files = (
        ParsedFile(read_message(admitted.model, limits.model)[0], admitted.external),
        ParsedFile(read_message(ours, limits.model)[0], beside),
    )
    return list(islice(graph_differences(*files), _MOST_DIFFERENCES))


def _refuse_differences(differences: list[Difference], version: str) -> None:
    if not differences:
        return
    first, more = differences[0], len(differences) - 1
    also = ", ".join(difference.where for difference in differences[1:6])
    raise RefusedModelError(
        RECONVERSION,
        first.where,
        expected=f"{first.second}, as the source gives when it is converted again",
        found=f"{first.first}" + (f"; and {more} more differences: {also}" if more else ""),
        advice=f"the package names version {version} of the converter",
    )
