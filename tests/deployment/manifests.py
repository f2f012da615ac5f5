"""The files under deploy/, read as what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVE = DEPLOY / "serve"
CONTAINERFILES = (SERVE / "Containerfile", DEPLOY / "reference" / "Containerfile")


def documents(name: str) -> dict[str, Any]:
    """The documents of a file of manifests by their kinds."""
    return {document["kind"]: document for document in yaml.safe_load_all((SERVE / name).read_text())}


def deployed_pod() -> dict[str, Any]:
    """The pod of the Deployment."""
    pod: dict[str, Any] = documents("kubernetes.yaml")["Deployment"]["spec"]["template"]["spec"]
    return pod


def kserve_pod() -> dict[str, Any]:
    """What KServe makes a pod of."""
    pod: dict[str, Any] = documents("kserve-runtime.yaml")["ClusterServingRuntime"]["spec"]
    return pod


def instructions(containerfile: Path) -> list[str]:
    """The instructions of a Containerfile, each on one line, without comments."""
    text = "\n".join(line for line in containerfile.read_text().splitlines() if not line.lstrip().startswith("#"))
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def unit_settings() -> dict[str, list[str]]:
    """What the systemd unit sets, by name; a name can be set several times."""
    settings: dict[str, list[str]] = {}
    for line in (SERVE / "bridge-serve.service").read_text().splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith(("#", "[")):
            settings.setdefault(name, []).append(value)
    return settings
