"""States where a signed model comes from, in a claim beside it."""

from __future__ import annotations

from pathlib import Path

from bridge.trust.bundle import sign_statement
from bridge.trust.provenance.claims_files import with_claims
from bridge.trust.provenance.training import TrainingFacts, training_statement
from bridge.trust.signature_files import NewFile, write_whole
from bridge.trust.signers import Signer
from bridge.trust.small_files import StrPath


def state_training(
    model: StrPath,
    root_sha256: str,
    facts: TrainingFacts,
    signer: Signer,
    *,
    overwrite: bool = False,
    allow_hard_links: bool = False,
) -> Path:
    """Sign the statement that ``model``, whose OMS root digest is ``root_sha256``, came out of this training; the claims' file.

    Raises ``IntegrityError`` where claims are there that speak of something else, unless ``overwrite``, and ``WriteError``.
    """
    file = training_claims(model, root_sha256, facts, signer, overwrite=overwrite, allow_hard_links=allow_hard_links)
    write_whole([file])
    return file.path


def training_claims(
    model: StrPath,
    root_sha256: str,
    facts: TrainingFacts,
    signer: Signer,
    *,
    overwrite: bool = False,
    allow_hard_links: bool = False,
) -> NewFile:
    """The file that ``state_training`` writes, not yet written: so that it can be written together with the signature."""
    bundle = sign_statement(training_statement(Path(model).resolve().name, root_sha256, facts), signer)
    return with_claims(model, root_sha256, [bundle], overwrite=overwrite, allow_hard_links=allow_hard_links)
