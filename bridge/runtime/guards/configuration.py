"""Guards as whoever serves a model configures them: JSON or YAML in the form of ``schemas/guards-1.schema.json``.

The file says by its digest which bank belongs to it, and which model that was fitted on, so that one digest, the file's own,
speaks of all that the guards do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import IntegrityError, InvalidOptionError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.distribution import DistributionGuard, Features
from bridge.runtime.guards.envelope import ChannelEnvelope
from bridge.runtime.guards.guard import Guard
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.jpeg import JpegSqueeze
from bridge.runtime.guards.pipeline import Pipeline
from bridge.runtime.guards.reference_bank import BANK_BYTES_AT_MOST, ReferenceBank
from bridge.runtime.guards.tally import GuardTally
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST, parse_yaml
from bridge.trust.small_files import StrPath, read_small_file

DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class GuardConfiguration:
    """What a file of guards says, its banks read; not yet tied to a model. ``sha256`` is the file's, in hexadecimal.

    ``features`` names the value in the model that a distribution guard looks at, empty where there is none. What the guards of
    all models made from it do is counted in ``tally``.
    """

    entries: tuple[Mapping[str, Any], ...]
    sha256: str
    banks: Mapping[str, ReferenceBank] = field(default_factory=dict)
    tally: GuardTally = field(default_factory=GuardTally)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of guards in it, as the file calls them."""
        return frozenset(entry["kind"] for entry in self.entries)

    @property
    def features(self) -> str:
        """See above."""
        return next((str(entry["features"]) for entry in self.entries if entry["kind"] == DISTRIBUTION), "")

    def refuse_other_model(self, sha256: str) -> None:
        """Raise ``InvalidOptionError`` where a bank was fitted on another model than that of this digest."""
        for entry in self.entries:
            if entry["kind"] == DISTRIBUTION and entry["model"] != sha256:
                raise InvalidOptionError(
                    f"guards: the bank {entry['bank']} was fitted on another model, whose sha256 is {entry['model']}; this one's "
                    f"is {sha256}: fit the guards again with `bridge guards fit`"
                )

    def pipeline(self, interface: Interface, features: Features | None) -> Pipeline:
        """The guards in their order, for a model with this ``interface`` that computes ``features``.

        Raises ``InvalidOptionError`` for guards that do not suit the model, ``UsageError`` where Pillow is needed and missing.
        """
        return Pipeline([self._guard(entry, interface, features) for entry in self.entries], self.tally)

    def _guard(self, entry: Mapping[str, Any], interface: Interface, features: Features | None) -> Guard:
        tensor = _input(interface, entry["input"])
        given = {name: value for name, value in entry.items() if name != "kind"}
        match entry["kind"]:
            case "range":
                return InterfaceGuard(_within(tensor, given), given.get("name", "range"))
            case "envelope":
                given |= {name: _bounds(given[name], name) for name in ("means", "deviations")}
                if len(given["means"]) != len(given["deviations"]):
                    raise InvalidOptionError("guards: an envelope has as many means as deviations, one pair per channel")
                return ChannelEnvelope(**given)
            case "bit-depth":
                return BitDepthSqueeze(**given)
            case "jpeg":
                return JpegSqueeze(**given)
        if features is None:
            raise InvalidOptionError("guards: this model does not tell its features, which the distribution guard looks at")
        return DistributionGuard(given["input"], features, self.banks[given["bank"]], given.get("name", DISTRIBUTION))


@cache
def guards_schema() -> dict[str, Any]:
    """The published form."""
    text = files("bridge.runtime.guards").joinpath("schemas", "guards-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def load_guards(path: StrPath, tally: GuardTally | None = None) -> GuardConfiguration:
    """The guards that the file ``path`` configures; banks are files beside it. Each file is opened once.

    Raises ``InvalidOptionError`` with the member at fault, ``IntegrityError`` for a bank that is not the one that the file means,
    ``InvalidPackageError`` for one that is no bank.
    """
    place = Path(path)
    data = read_small_file(place, what="file of guards", most=YAML_BYTES_AT_MOST)
    document = parse_yaml(data, what=f"the guards '{place}'")
    _refuse_other_form(document)
    entries = tuple(document["guards"])
    banks: dict[str, ReferenceBank] = {}
    for entry in entries:
        if entry["kind"] == DISTRIBUTION:
            if banks:
                raise InvalidOptionError("guards: more than one distribution guard; a model has its features computed once")
            # The form of the name leaves no way out of the folder.
            banks[entry["bank"]] = _read_bank(place.parent / entry["bank"], entry["sha256"])
    return GuardConfiguration(entries, hashlib.sha256(data).hexdigest(), banks, tally or GuardTally())


def _refuse_other_form(document: Any) -> None:
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    faults = sorted(Draft202012Validator(guards_schema()).iter_errors(document), key=lambda found: list(map(str, found.path)))
    if faults:
        place = ".".join(str(part) for part in faults[0].absolute_path) or "the whole"
        raise InvalidOptionError(f"guards: {place}: {faults[0].message[:300]}; `docs/guards.md` says what may stand there")


def _read_bank(path: Path, expected: str) -> ReferenceBank:
    data = read_small_file(path, what="bank of the guards", most=BANK_BYTES_AT_MOST)
    computed = hashlib.sha256(data).hexdigest()
    if computed != expected:
        raise IntegrityError(str(path), expected=expected, computed=computed, advice="the file of guards means another bank")
    return ReferenceBank.from_bytes(data, what=f"the bank '{path}'")


def _input(interface: Interface, name: str) -> Tensor:
    for tensor in interface.inputs:
        if tensor.name == name:
            return tensor
    known = ", ".join(repr(tensor.name) for tensor in interface.inputs)
    raise InvalidOptionError(f"guards: no input is called {name!r}; this model has {known}")


def _within(tensor: Tensor, given: Mapping[str, Any]) -> Tensor:
    bounds = {name: given[name] for name in ("minimum", "maximum") if name in given}
    made = replace(tensor, **bounds)
    if made.minimum is not None and made.maximum is not None and made.minimum > made.maximum:
        raise InvalidOptionError(f"guards: no value of {tensor.name!r} is from {made.minimum:g} to {made.maximum:g}")
    return made


def _bounds(values: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    bounds = np.asarray(values, np.float64)
    if not (bounds[:, 0] <= bounds[:, 1]).all():
        raise InvalidOptionError(f"guards: the {name} of an envelope: expected the least before the greatest")
    return bounds


def envelope_section(envelope: ChannelEnvelope) -> dict[str, Any]:
    """A fitted envelope as an entry of the file."""
    return {
        "kind": "envelope",
        "input": envelope.input,
        "means": envelope.means.tolist(),
        "deviations": envelope.deviations.tolist(),
    }
