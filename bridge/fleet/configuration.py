"""The configuration of ``bridge serve``, as far as it holds in a fleet. What would not hold there is refused, not passed over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.errors import InvalidOptionError
from bridge.serve.configuration import settings_of
from bridge.serve.settings import ModelSettings, ServerSettings
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST, parse_yaml
from bridge.trust.small_files import read_small_file

_LIMITS_OF_REPLICAS: Final = frozenset({"request_bytes", "buffered_bytes", "header_bytes", "headers", "body_seconds"})


def read_document(path: Path) -> Any:
    """The document in the file ``path``, not looked at yet. Raises ``InvalidOptionError``."""
    return parse_yaml(read_small_file(path, what="configuration", most=YAML_BYTES_AT_MOST), what=f"the configuration '{path}'")


def fleet_settings(document: Any, folder: Path) -> ServerSettings:
    """The settings that ``document`` states; paths in it are relative to ``folder``.

    Raises ``InvalidOptionError`` for what is no configuration, and for what Ray's proxy, which clients talk to, would not keep.
    """
    settings = settings_of(document, folder)
    if settings.tls is not None:
        raise _refused("tls", "Ray's proxy reads the requests and has no minimum of TLS 1.3: end TLS in front of it")
    if settings.allow_unsigned:
        raise _refused("allow_unsigned", "only a signature's root digest holds all replicas to one model: sign the package")
    if any(client.certificate_name for client in settings.clients):
        raise _refused("clients", "a replica does not see the client's certificate: give keys (key_sha256)")
    beyond = sorted(set(_section(document, "limits")) - _LIMITS_OF_REPLICAS)
    if beyond:
        raise _refused(
            f"limits.{beyond[0]}", "connections end at Ray's proxy, which has no such bound: set it in front of the fleet"
        )
    return settings


def threads_of(model: ModelSettings) -> int:
    """Threads of each run. Replicas share a machine that Ray knows and they do not: without a number it is one."""
    return model.threads or 1


def processors_of(settings: ServerSettings) -> int:
    """The processors that a replica asks of Ray: as many as its busiest model takes."""
    return max(model.workers * threads_of(model) for model in settings.models)


def _section(document: Any, name: str) -> Mapping[str, Any]:
    section: Mapping[str, Any] = document.get(name, {})
    return section


def _refused(where: str, why: str) -> InvalidOptionError:
    return InvalidOptionError(f"the configuration: {where}: not in a fleet: {why}; `docs/fleet.md` tells more")
