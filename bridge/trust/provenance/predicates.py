"""The types of statements and of builds that the chain of a model is made of. ``docs/provenance.md`` specifies ours.

These are identifiers, as XML namespaces are: nothing is ever fetched from them.
"""

from __future__ import annotations

from typing import Final

SLSA_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
"""How something was made: training and conversion."""

VERIFICATION_SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
"""That somebody verified something under a policy: the source before its conversion."""

TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
"""What a test found: equivalence, robustness."""

MODEL_SIGNATURE: Final = "https://model_signing/signature/v1.0"
"""OpenSSF Model Signing's manifest of an artefact."""

TRAINING_BUILD: Final = "https://cntk-bridge.dev/train/v1"
CONVERSION_BUILD: Final = "https://cntk-bridge.dev/convert/v1"
CONVERTER: Final = "https://cntk-bridge.dev/converter/v1"
"""``builder.id`` of a conversion and ``verifier.id`` of what it verified: this program, run by whoever signs."""

TRAINER: Final = "https://cntk-bridge.dev/self-reported/v1"
"""``builder.id`` of a training: what the signer says of it. No build platform vouches for it."""

BUNDLE_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
MANIFEST_MEDIA_TYPE: Final = "application/vnd.cntk-bridge.dataset-manifest.v1+json"

ROLE: Final = "role"
"""The annotation of a resource that says what it is to the step; its values follow."""

SOURCE: Final = "source"
INHERITED: Final = "inherited"
ACCOMPANYING: Final = "accompanying"
CONVERTER_ROLE: Final = "converter"
REPOSITORY: Final = "repository"
SCRIPT: Final = "script"
CONFIGURATION: Final = "configuration"
DATASET: Final = "dataset"
REPORT: Final = "report"
