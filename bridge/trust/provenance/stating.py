"""States where a signed model comes from, in a claim beside it."""

from __future__ import annotations

from pathlib import Path

from bridge.trust.bundle import sign_statement
from bridge.trust.provenance.claims_files import add_claims
from bridge.trust.provenance.training import TrainingFacts, training_statement
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
    bundle = sign_statement(training_statement(Path(model).resolve().name, root_sha256, facts), signer)
    return add_claims(model, root_sha256, [bundle], overwrite=overwrite, allow_hard_links=allow_hard_links)
