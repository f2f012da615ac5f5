"""The server's settings from a YAML file, whose published form is ``schemas/serve-1.schema.json``. Paths are relative to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from bridge.errors import InvalidOptionError
from bridge.serve.settings import (
    BatchSettings,
    ClientSettings,
    HttpLimits,
    ModelSettings,
    QueueSettings,
    ServerSettings,
    TlsSettings,
)
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST, parse_yaml
from bridge.trust.small_files import read_small_file

FORMAT: Final = "cntk-bridge/serve/1"
_TOP: Final = ("drain_seconds", "traces", "log_requests", "allow_unsigned")


@cache
def configuration_schema() -> dict[str, Any]:
    """The published form."""
    schema: dict[str, Any] = json.loads(files("bridge.serve").joinpath("schemas", "serve-1.schema.json").read_text("utf-8"))
    return schema


def load_configuration(path: Path) -> ServerSettings:
    """The settings in the file ``path``. Raises ``InvalidOptionError`` with the place of the fault."""
    document = parse_yaml(
        read_small_file(path, what="configuration", most=YAML_BYTES_AT_MOST), what=f"the configuration '{path}'"
    )
    return settings_of(document, path.parent)


def settings_of(document: Any, folder: Path) -> ServerSettings:
    """The settings that ``document`` states; paths in it are relative to ``folder``."""
    _check(document)
    tls = document.get("tls")
    return ServerSettings(
        models=tuple(_model(entry, folder) for entry in document["models"]),
        tls=TlsSettings(**{key: folder / value for key, value in tls.items()}) if tls else None,
        clients=_clients(document),
        limits=HttpLimits(**document.get("limits", {})),
        **document.get("listen", {}),
        **{key: document[key] for key in _TOP if key in document},
    )


def _model(entry: Mapping[str, Any], folder: Path) -> ModelSettings:
    said = dict(entry)
    said["package"] = folder / said["package"]
    said |= {key: folder / said[key] for key in ("policy", "fallback", "guards", "fallback_guards") if key in said}
    if "fallback_guards" in said and not {"fallback", "guards"} <= said.keys():
        raise InvalidOptionError(f"the configuration: models: {said['name']}: fallback_guards need a fallback, and guards")
    said["batch"] = BatchSettings(**said.get("batch", {}))
    said["queue"] = QueueSettings(**said.get("queue", {}))
    return ModelSettings(**said)


def _clients(document: Mapping[str, Any]) -> tuple[ClientSettings, ...]:
    clients = [
        ClientSettings(**{**entry, "models": frozenset(entry["models"]) if "models" in entry else None})
        for entry in document.get("clients", ())
    ]
    names = [client.name for client in clients]
    if len(set(names)) != len(names):
        raise InvalidOptionError("the configuration: clients: two have one name")
    known = {entry["name"] for entry in document["models"]}
    for client in clients:
        unknown = sorted((client.models or frozenset()) - known)
        if unknown:
            raise InvalidOptionError(f"the configuration: clients: {client.name}: there is no model {unknown[0]!r}")
        if client.certificate_name and not document.get("tls", {}).get("client_roots"):
            raise InvalidOptionError(f"the configuration: clients: {client.name}: certificates need tls.client_roots")
    return tuple(clients)


def _check(document: Any) -> None:
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    faults = sorted(
        Draft202012Validator(configuration_schema()).iter_errors(document), key=lambda fault: list(map(str, fault.path))
    )
    if faults:
        where = ".".join(str(part) for part in faults[0].absolute_path) or "the whole"
        raise InvalidOptionError(
            f"the configuration: {where}: {faults[0].message[:500]}; `docs/serving.md` says what may stand there"
        )
