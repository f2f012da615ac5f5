"""Claims where they belong: ``claims.jsonl`` in a folder, ``<file>.claims.jsonl`` beside a single file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.errors import IntegrityError
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import claims_file, read_claims
from bridge.trust.provenance.history import CLAIMS_NAME, CLAIMS_SUFFIX, read_evidence
from bridge.trust.signature_files import NewFile, write_whole
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedRoot


def claims_path(root: OpenedRoot) -> Path:
    """Where the claims about a model stand."""
    return root.path / CLAIMS_NAME if root.is_folder else root.path.with_name(root.path.name + CLAIMS_SUFFIX)


def add_claims(
    model: StrPath,
    root_sha256: str,
    bundles: Sequence[bytes],
    *,
    overwrite: bool = False,
    allow_hard_links: bool = False,
) -> Path:
    """Write ``bundles`` behind the claims about ``model``, whose OMS root digest is ``root_sha256``, and return the file.

    What is there already is kept to the byte, or with ``overwrite`` dropped. It has to be a whole chain about this model, or
    ``IntegrityError`` is raised: claims about what the file held before are no history of what it holds now. Raises
    ``WriteError`` where nothing can be written.
    """
    file = with_claims(model, root_sha256, bundles, overwrite=overwrite, allow_hard_links=allow_hard_links)
    write_whole([file])
    return file.path


def with_claims(
    model: StrPath,
    root_sha256: str,
    bundles: Sequence[bytes],
    *,
    overwrite: bool = False,
    allow_hard_links: bool = False,
) -> NewFile:
    """What ``add_claims`` writes, checked and not yet written."""
    with OpenedRoot(model, allow_hard_links=allow_hard_links) as root:
        place, name = claims_path(root), root.name
        before = b"" if overwrite else read_evidence(root).claims or b""
    data = before + claims_file(bundles)
    claims = read_claims(data, what=str(place))
    failures = verify_chain(name, root_sha256, claims, None).failures
    if failures:
        raise IntegrityError(
            str(place),
            expected=f"claims about the root digest {root_sha256}",
            computed="; ".join(check.detail for check in failures[:3]),
            advice="give --force to replace them, or restore the model that they speak of",
        )
    return NewFile(place, data)
