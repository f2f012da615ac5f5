"""The file of waivers: wider tolerances for single outputs, each with a reason and the last day on which it holds.

The form is ``schema/waivers-1.schema.json``, as YAML or JSON. A file with one waiver that is expired, or that gives no reason, is
refused as a whole: a check that quietly left it out would fail for another reason than the one that somebody has to act on.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from bridge.errors import InvalidWaiverError
from verify.report.document import Waiver

_BYTES_AT_MOST = 1 << 20
# YAML 1.1 takes 1e-3 for a text, since it has no dot; people write it all the same.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def read_waivers(path: Path, today: date | None = None) -> tuple[Waiver, ...]:
    """The waivers in a file, none of which is applied yet.

    ``today`` is by default the day in UTC. Raises ``InvalidOptionError`` where the file cannot be read as YAML, and
    ``InvalidWaiverError`` for a waiver without a reason, beyond its day, or out of form.
    """
    from bridge.trust.provenance.yaml_document import parse_yaml
    from bridge.trust.small_files import read_small_file

    what = f"file of waivers {path}"
    document = _with_numbers(parse_yaml(read_small_file(path, what="file of waivers", most=_BYTES_AT_MOST), what=what))
    _validate(document, what)
    now = datetime.now(UTC).date() if today is None else today
    for number, item in enumerate(document["waivers"]):
        where = f"{what}: waivers[{number}], {item['case']} {item['output']}"
        if (last := _day(item["expires"], where)) < now:
            raise InvalidWaiverError(f"{where}: expired on {last}; put the difference right, or answer for it anew")
    return tuple(Waiver(**item) for item in document["waivers"])


def waivers_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a file of waivers."""
    text = files("verify.equivalence").joinpath("schema", "waivers-1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _with_numbers(document: Any) -> Any:
    """The document with tolerances as numbers where they are written as YAML 1.1 does not know them."""
    waivers = document.get("waivers") if isinstance(document, dict) else None
    if not isinstance(waivers, list):
        return document
    for item in waivers:
        for name in ("rtol", "atol"):
            if isinstance(item, dict) and isinstance(text := item.get(name), str) and _NUMBER.fullmatch(text):
                item[name] = float(text)
    return document


def _validate(document: Any, what: str) -> None:
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    # The first by its place: the same file always gets the same answer.
    errors = sorted(Draft202012Validator(waivers_schema()).iter_errors(document), key=lambda error: error.json_path)
    if errors:
        raise InvalidWaiverError(f"{what}: {errors[0].json_path}: {errors[0].message[:500]}")


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidWaiverError(f"{where}: expires {text!r} is no day of the calendar") from error
