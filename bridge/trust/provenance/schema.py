"""The JSON Schemas that the package ships, and documents held against them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from bridge.errors import InvalidOptionError


@cache
def description_schema() -> dict[str, Any]:
    """The schema of what people say of a model."""
    text = files("bridge.trust.provenance").joinpath("schemas", "description-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def check_description(document: Any, *, what: str) -> None:
    """Raise ``InvalidOptionError`` with the path of the first fault of a description, in the order of the document."""
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    faults = sorted(
        Draft202012Validator(description_schema()).iter_errors(document), key=lambda fault: list(map(str, fault.path))
    )
    if faults:
        place = ".".join(str(part) for part in faults[0].absolute_path) or "the whole"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InvalidOptionError(
            f"{what}: {place}: {faults[0].message[:500]}{more}; `docs/provenance.md` lists what may be stated"
        )
