"""A conversion that ends as a signed package: model, interface, reports, bill of materials, signature, claims; all or nothing.

The order is given by what each part states of the others. The model is written, then the interface, which has the model's
digests; the model is tested as it lies there; reports and bill of materials follow; the signature covers all of these; the claims
speak of the signature's root digest, and the conversion's own claim lists all the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import IntegrityError
from bridge.package.contents import (
    BILL_OF_MATERIALS,
    CLAIMS,
    EQUIVALENCE_HTML,
    EQUIVALENCE_JSON,
    INTERFACE,
    ONNX_MODEL,
    REPORTS,
    SIGNATURE,
)
from bridge.package.describing import describe_onnx, describe_torch
from bridge.package.interface import Bound, Interface, ServingLimits
from bridge.package.origin import origin_of
from bridge.package.staged_folder import StagedFolder
from bridge.targets.write_failures import explained
from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.manifest import read_manifest
from bridge.trust.model_signature import sign_model
from bridge.trust.provenance.bill_of_materials import bill_of_materials
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file
from bridge.trust.provenance.conversion import Conversion, Origin, conversion_statement
from bridge.trust.provenance.evaluation import equivalence_evaluation, evaluation_statement
from bridge.trust.provenance.history import evidence_beside
from bridge.trust.provenance.model_card import ModelCard, card_from_chain
from bridge.trust.provenance.predicates import REPORT, ROLE
from bridge.trust.provenance.resource import Resource
from bridge.trust.provenance.source_verification import SourceVerification, verification_statement
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement

if TYPE_CHECKING:
    from bridge.conversion import ConversionResult
    from verify.report.document import Report

Convert = Callable[[Path], "ConversionResult"]
"""Converts the source to the place given: an ONNX file, or the folder of a PyTorch module."""

Check = Callable[[Path], "Report"]
"""Tests what was written at the place given."""


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """``signer`` signs the package and its claims; ``bounds`` and ``limits`` go into the interface."""

    signer: Signer
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    limits: ServingLimits = ServingLimits()  # noqa: RUF009 - frozen, so that sharing it is harmless


@dataclass(frozen=True, slots=True)
class Package:
    """What was written: ``root_sha256`` is the root digest by which claims name the package."""

    path: Path
    root_sha256: str
    claims: int
    result: ConversionResult
    report: Report | None


def write_package(
    source: Path,
    destination: Path,
    options: PackageOptions,
    *,
    target: str,
    conversion_options: Mapping[str, Any],
    convert: Convert,
    check: Check | None = None,
) -> Package:
    """Convert ``source`` into the package ``destination``. A package that stands there is replaced.

    ``conversion_options`` are stated as the parameters of the conversion. The source's signature and claims are handed on: those
    that ``convert`` has verified under a policy, which a claim then says, or, where it had none, what lies beside the source. A
    report that ``check`` gives is packaged whether it holds or not: the claim says so.

    Raises what ``convert`` and ``check`` raise, ``IntegrityError`` for claims that are not about the source, and ``WriteError``;
    whatever stood at ``destination`` is then untouched.
    """
    with StagedFolder(destination) as folder, explained(destination):
        started = datetime.now(UTC)
        model = folder.path if target == "torch" else folder.path / ONNX_MODEL
        result = convert(model)
        origin = _origin(source, result)
        interface = _write_interface(folder.path, target, result, options)
        report = check(model) if check is not None else None
        reports = _write_reports(folder.path, report)
        card = _card(destination.name, origin, interface)
        _write_bill(folder.path, card)
        conversion = Conversion(
            origin=origin,
            options={"target": target, **conversion_options},
            opset=result.opset,
            source_format=result.source_format,
            source_verified=result.source_verified,
            started=started,
            finished=datetime.now(UTC),
            model={name: card.description.model[name] for name in ("name", "version") if name in card.description.model},
        )
        seal = _Seal(folder.path, destination.name, options.signer, _expected(interface, reports))
        root_sha256, claims = seal.write(conversion, report, reports, _verified_by(result, origin))
        folder.put_in_place()
    return Package(destination, root_sha256, claims, _placed(result, folder.path, destination), report)


class _Seal:
    """Signs a folder that is complete, and writes its claims."""

    def __init__(self, folder: Path, name: str, signer: Signer, expected: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.signer = signer
        signature = sign_model(folder, signer)
        manifest = read_manifest(Statement.from_bytes(read_bundle(signature).payload))
        found = {file.name: file.digest for file in manifest.resources}
        for file, digest in expected.items():
            # Signing reads the files again: what it found has to be what was written.
            if found.get(file) != digest:
                raise IntegrityError(file, expected=digest, computed=found.get(file, "no such file"))
        self.root_sha256 = manifest.root_digest
        (folder / SIGNATURE).write_bytes(signature)

    def write(
        self,
        conversion: Conversion,
        report: Report | None,
        reports: tuple[Resource, ...],
        verification: SourceVerification | None,
    ) -> tuple[str, int]:
        """Write the claims; the root digest, and the number of claims."""
        statements = []
        if verification is not None:
            statements.append(verification_statement(conversion.origin, verification))
        if report is not None:
            statements.append(evaluation_statement(self.name, self.root_sha256, equivalence_evaluation(report, reports[0])))
        own = [sign_statement(statement, self.signer) for statement in statements]
        titles = [statement.predicate_type for statement in statements]
        last = conversion_statement(
            self.name, self.root_sha256, conversion, reports=reports, accompanying=tuple(zip(titles, own, strict=True))
        )
        inherited = [claim.data for claim in conversion.origin.inherited]
        bundles = [*inherited, *own, sign_statement(last, self.signer)]
        (self.folder / CLAIMS).write_bytes(claims_file(bundles))
        return self.root_sha256, len(bundles)


def _write_interface(folder: Path, target: str, result: ConversionResult, options: PackageOptions) -> Interface:
    if target == "torch":
        interface = describe_torch(folder, result, options.bounds, options.limits)
    else:
        interface = describe_onnx(result, options.bounds, options.limits)
    (folder / INTERFACE).write_bytes(interface.to_bytes())
    return interface


def _write_reports(folder: Path, report: Report | None) -> tuple[Resource, ...]:
    """The report's forms, JSON first."""
    if report is None:
        return ()
    from verify.report.html import render_html
    from verify.report.json_report import render_json

    (folder / REPORTS).mkdir()
    forms = ((EQUIVALENCE_JSON, render_json(report), "application/json"), (EQUIVALENCE_HTML, render_html(report), "text/html"))
    resources = []
    for name, text, media_type in forms:
        data = text.encode()
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        resources.append(Resource(name, digest={"sha256": digest}, media_type=media_type, annotations={ROLE: REPORT}))
    return tuple(resources)


def _card(name: str, origin: Origin, interface: Interface) -> ModelCard:
    """What the bill of materials in the package says. The root digest is not known yet: it covers the bill too."""
    chain = verify_chain(origin.name, origin.root_sha256, origin.inherited, None)
    return replace(
        card_from_chain(chain),
        name=name,
        files=tuple(interface.digests.items()),
        inputs=tuple(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in interface.inputs),
        outputs=tuple(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in interface.outputs),
        ancestors=((origin.name, origin.root_sha256, origin.sha256),),
        evaluations=(),
    )


def _write_bill(folder: Path, card: ModelCard) -> None:
    document = json.dumps(bill_of_materials(card), indent=1, ensure_ascii=False)
    (folder / BILL_OF_MATERIALS).write_bytes(document.encode() + b"\n")


def _expected(interface: Interface, reports: tuple[Resource, ...]) -> dict[str, str]:
    """The digests of what was written, by name."""
    return {**interface.digests, **{report.name: report.sha256 or "" for report in reports}}


def _origin(source: Path, result: ConversionResult) -> Origin:
    decision = result.source_decision
    evidence = result.source_evidence if result.source_evidence is not None else evidence_beside(source)
    return origin_of(source, result.source_sha256, evidence, root_sha256=decision.root_digest if decision is not None else "")


def _verified_by(result: ConversionResult, origin: Origin) -> SourceVerification | None:
    """What the policy found about the source; ``None`` where none was asked, or an unsigned source allowed."""
    decision = result.source_decision
    if decision is None or decision.identity is None:
        return None
    looked_at = tuple(claim.sha256 for claim in origin.inherited)
    return SourceVerification(decision.identity, decision.time, decision.policy, decision.policy_sha256, looked_at)


def _placed(result: ConversionResult, staged: Path, destination: Path) -> ConversionResult:
    """The result with the paths that its files have now."""
    data = destination / result.data_path.relative_to(staged) if result.data_path is not None else None
    return replace(result, destination=destination / result.destination.relative_to(staged), data_path=data)
