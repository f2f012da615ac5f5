"""The hardened package: model, twin, interface, reports, bill of materials, signature, claims; all or nothing.

The order is that of a conversion's package: see ``bridge.package.writing``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import IntegrityError
from bridge.harden.network import Network
from bridge.harden.statement import Hardening, hardening_statement
from bridge.package.contents import BILL_OF_MATERIALS, CLAIMS, INTERFACE, ONNX_DATA, ONNX_MODEL, REPORTS, SIGNATURE, TWIN
from bridge.package.interface import Interface
from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.manifest import read_manifest
from bridge.trust.model_signature import sign_model
from bridge.trust.provenance.bill_of_materials import bill_of_materials
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file
from bridge.trust.provenance.evaluation import Evaluation, evaluation_statement
from bridge.trust.provenance.model_card import card_from_chain
from bridge.trust.provenance.predicates import REPORT, ROLE
from bridge.trust.provenance.resource import Resource
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement

_MEDIA_TYPES = {".json": "application/json", ".html": "text/html", ".md": "text/markdown"}


@dataclass(frozen=True, slots=True)
class WrittenModel:
    """The model's files as they were written: their digests by name, and the ONNX file's place."""

    path: Path
    digests: Mapping[str, str]


def write_model(network: Network, folder: Path, metadata: Mapping[str, str]) -> WrittenModel:
    """``model.onnx`` as it is served, and the module beside it in ``twin``. Raises ``WriteError``, ``InvalidOptionError``."""
    from bridge.targets.onnx_file import write_onnx

    model = network.served()
    model.metadata_props.clear()
    model.metadata_props.update(metadata)
    written = write_onnx(model, folder / ONNX_MODEL)
    network.write(folder / TWIN)
    digests = {ONNX_MODEL: written.sha256}
    if written.data_sha256 is not None:
        digests[ONNX_DATA] = written.data_sha256
    return WrittenModel(written.path, digests)


def hardened_interface(parent: Interface, written: WrittenModel, network: Network, metadata: Mapping[str, str]) -> Interface:
    """The network's interface with the new digests."""
    return replace(
        network.interface(parent),
        model_files=tuple(written.digests),
        digests=dict(written.digests),
        metadata={**parent.metadata, **metadata},
    )


def write_reports(folder: Path, texts: Mapping[str, str]) -> tuple[Resource, ...]:
    """Write the reports, by their names in the package; each as a resource, in order."""
    (folder / REPORTS).mkdir()
    resources = []
    for name, text in texts.items():
        data = text.encode()
        (folder / name).write_bytes(data)
        resources.append(
            Resource(
                name,
                digest={"sha256": hashlib.sha256(data).hexdigest()},
                media_type=_MEDIA_TYPES[Path(name).suffix],
                annotations={ROLE: REPORT},
            )
        )
    return tuple(resources)


def write_bill(folder: Path, name: str, interface: Interface, hardening: Hardening) -> None:
    """The bill of materials: what the parent's claims tell of the model, and the parent as its nearest ancestor."""
    origin = hardening.parent
    card = card_from_chain(verify_chain(origin.name, origin.root_sha256, origin.inherited, None))
    card = replace(
        card,
        name=name,
        files=tuple(interface.digests.items()),
        inputs=tuple(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in interface.inputs),
        outputs=tuple(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in interface.outputs),
        datasets=(*card.datasets, hardening.data),
        ancestors=((origin.name, origin.root_sha256, ""), *card.ancestors),
        evaluations=(),
    )
    document = json.dumps(bill_of_materials(card), indent=1, ensure_ascii=False)
    (folder / BILL_OF_MATERIALS).write_bytes(document.encode() + b"\n")


def write_interface(folder: Path, interface: Interface) -> None:
    """``interface.json``."""
    (folder / INTERFACE).write_bytes(interface.to_bytes())


def seal(
    folder: Path,
    name: str,
    signer: Signer,
    hardening: Hardening,
    evaluations: Sequence[Evaluation],
    expected: Mapping[str, str],
    reports: Sequence[Resource],
) -> str:
    """Sign the complete ``folder`` and write its claims; the root digest. ``expected`` are digests of what was written, by name.

    Raises ``IntegrityError`` where a file is not as it was written.
    """
    signature = sign_model(folder, signer)
    manifest = read_manifest(Statement.from_bytes(read_bundle(signature).payload))
    found = {file.name: file.digest for file in manifest.resources}
    for file, digest in expected.items():
        if found.get(file) != digest:
            raise IntegrityError(file, expected=digest, computed=found.get(file, "no such file"))
    root = manifest.root_digest
    (folder / SIGNATURE).write_bytes(signature)
    statements = [evaluation_statement(name, root, evaluation) for evaluation in evaluations]
    own = [sign_statement(statement, signer) for statement in statements]
    titled = [(statement.predicate_type, data) for statement, data in zip(statements, own, strict=True)]
    last = hardening_statement(name, root, hardening, reports=reports, accompanying=titled)
    inherited = [claim.data for claim in hardening.parent.inherited]
    (folder / CLAIMS).write_bytes(claims_file([*inherited, *own, sign_statement(last, signer)]))
    return root
