"""Packages -> the digests that a deployment is fixed to, once every package was verified and its model admitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bridge.errors import InvalidOptionError, UnexpectedModelError
from bridge.fleet.plan import Pin, Plan
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS
from bridge.runtime.opening import open_package
from bridge.serve.settings import ModelSettings
from bridge.trust.policy.model import Policy


def pinned(plan: Plan, expected: Mapping[str, str]) -> Plan:
    """``plan`` with a pin for every package, as this machine has it.

    ``expected`` has root digests (``sha256:...``) by ``NAME`` or ``NAME:VERSION``, for those who know them already. Raises
    ``BridgeError`` where a package is refused, ``UnexpectedModelError`` where it is another than expected.
    """
    settings = plan.settings
    wanted = _by_model(settings.models, expected)
    pins: dict[str, Pin] = {}
    for model in settings.models:
        policy = plan.policy_of(model)
        for package in _packages(model):
            digest = _root_digest(package, policy)
            if package == model.package and wanted.get((model.name, model.version), digest) != digest:
                raise UnexpectedModelError(
                    f"{package}: expected the root digest sha256:{wanted[model.name, model.version]}, found sha256:{digest}"
                )
            pin = Pin(digest, policy.sha256)
            if pins.setdefault(str(package), pin) != pin:
                raise InvalidOptionError(f"{package} is served under two policies: a fleet holds it to one")
    return replace(plan, pins=pins)


def _packages(model: ModelSettings) -> Iterator[Path]:
    yield model.package
    if model.fallback is not None:
        yield model.fallback


def _root_digest(package: Path, policy: Policy) -> str:
    with open_package(package, policy, DEFAULT_RUNTIME_LIMITS) as opened:
        return opened.identity.root_digest


def _by_model(models: tuple[ModelSettings, ...], expected: Mapping[str, str]) -> dict[tuple[str, str], str]:
    wanted: dict[tuple[str, str], str] = {}
    for said, digest in expected.items():
        name, _, version = said.partition(":")
        found = [(model.name, model.version) for model in models if model.name == name and version in {"", model.version}]
        if not found:
            raise InvalidOptionError(f"root_digests: there is no model {said!r}")
        wanted |= dict.fromkeys(found, digest.removeprefix("sha256:"))
    return wanted
