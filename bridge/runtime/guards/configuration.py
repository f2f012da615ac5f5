"""Guards as whoever serves a model configures them: JSON or YAML in the form of ``schemas/guards-1.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.package.interface import Interface
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.distribution import DistributionGuard, Features
from bridge.runtime.guards.envelope import ChannelEnvelope
from bridge.runtime.guards.guard import Guard
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.jpeg import JpegSqueeze
from bridge.runtime.guards.pipeline import Pipeline
from bridge.runtime.guards.reference_bank import ReferenceBank
from bridge.trust.provenance.yaml_document import parse_yaml

Files: TypeAlias = Callable[[str], bytes]
"""A name among the package's files, or beside the configuration -> its bytes. Raises a ``BridgeError`` where there is none."""

FeaturesOf: TypeAlias = Callable[[str], Features]
"""The name of an input -> the features that the model computes of it."""


@cache
def guards_schema() -> dict[str, Any]:
    """The published form."""
    text = files("bridge.runtime.guards").joinpath("schemas", "guards-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_guards(data: bytes, interface: Interface, files_of: Files, features_of: FeaturesOf) -> Pipeline:
    """The guards that ``data`` configures, a file of JSON or plain YAML. Raises as ``guards_of`` does."""
    return guards_of(parse_yaml(data, what="the guards"), interface, files_of, features_of)


def guards_of(document: Any, interface: Interface, files_of: Files, features_of: FeaturesOf) -> Pipeline:
    """The guards that ``document`` lists, in its order, for a model with this ``interface``.

    Raises ``InvalidOptionError`` with the member at fault, ``InvalidPackageError`` for a damaged bank, ``UsageError`` where
    Pillow is needed and missing.
    """
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    faults = sorted(Draft202012Validator(guards_schema()).iter_errors(document), key=lambda found: str(found.path))
    if faults:
        place = ".".join(str(part) for part in faults[0].absolute_path) or "the whole"
        raise InvalidOptionError(f"guards: {place}: {faults[0].message[:300]}")
    return Pipeline([_guard(item, interface, files_of, features_of) for item in document["guards"]])


def _guard(item: Mapping[str, Any], interface: Interface, files_of: Files, features_of: FeaturesOf) -> Guard:
    tensor = next((tensor for tensor in interface.inputs if tensor.name == item["input"]), None)
    if tensor is None:
        known = ", ".join(repr(tensor.name) for tensor in interface.inputs)
        raise InvalidOptionError(f"guards: no input is called {item['input']!r}; this model has {known}")
    given = {name: value for name, value in item.items() if name != "kind"}
    match item["kind"]:
        case "range":
            bounds = {name: given[name] for name in ("minimum", "maximum") if name in given}
            return InterfaceGuard(replace(tensor, **bounds), given.get("name", "range"))
        case "envelope":
            given |= {name: np.asarray(given[name], np.float64) for name in ("means", "deviations")}
            if len(given["means"]) != len(given["deviations"]):
                raise InvalidOptionError("guards: an envelope has as many means as deviations, one pair per channel")
            return ChannelEnvelope(**given)
        case "bit-depth":
            return BitDepthSqueeze(**given)
        case "jpeg":
            return JpegSqueeze(**given)
        case _:
            bank = ReferenceBank.from_bytes(files_of(given.pop("bank")), what=f"the bank {item['bank']}")
            return DistributionGuard(features=features_of(item["input"]), bank=bank, **given)


def envelope_section(envelope: ChannelEnvelope) -> dict[str, Any]:
    """A fitted envelope as an entry of the section."""
    return {
        "kind": "envelope",
        "input": envelope.input,
        "means": envelope.means.tolist(),
        "deviations": envelope.deviations.tolist(),
    }
