"""bridge.trust.revocation: what a list takes back, and lists that do not count."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bridge.errors import InvalidKeyError, SignatureError
from bridge.trust.revocation import check_revocation, load_revocation_list
from tests.trust.authority import AUTHORITY, DAY, NOW, Holder, certify, revocation_list, usage

_ROOT = certify("root", extensions=AUTHORITY)
_MIDDLE = certify("middle", by=_ROOT, extensions=AUTHORITY)
_LEAF = certify("signer", by=_MIDDLE)


def _check(*lists: x509.CertificateRevocationList, at: datetime | None = None, middle: Holder = _MIDDLE) -> None:
    path = (_LEAF.certificate, middle.certificate, _ROOT.certificate)
    check_revocation(path, lists, trusted_time=at, now=NOW)


def test_certificate_that_no_list_names_is_good() -> None:
    _check(revocation_list(_MIDDLE, certify("other", by=_MIDDLE).certificate))


def test_revoked_certificate_is_refused_with_time_and_reason() -> None:
    with pytest.raises(SignatureError, match=r"CN=signer.*was revoked at .*reason cessationOfOperation"):
        _check(revocation_list(_MIDDLE, _LEAF.certificate, reason=x509.ReasonFlags.cessation_of_operation))


def test_revoked_authority_is_refused() -> None:
    with pytest.raises(SignatureError, match=r"CN=middle.*was revoked"):
        _check(revocation_list(_MIDDLE), revocation_list(_ROOT, _MIDDLE.certificate))


def test_certificate_that_is_trusted_itself_cannot_be_looked_up() -> None:
    with pytest.raises(SignatureError, match="trust its issuer instead"):
        check_revocation((_LEAF.certificate,), [revocation_list(_MIDDLE)], trusted_time=None, now=NOW)


def test_signer_has_to_be_covered_by_a_list() -> None:
    with pytest.raises(SignatureError, match="no revocation list by 'CN=middle'"):
        _check(revocation_list(_ROOT))


def test_list_signed_by_another_key_of_that_name_does_not_count() -> None:
    impostor = certify("middle", by=_ROOT, extensions=AUTHORITY)
    with pytest.raises(SignatureError, match="no revocation list"):
        _check(revocation_list(impostor))


def test_authority_whose_key_usage_excludes_lists_cannot_issue_one() -> None:
    extensions = (AUTHORITY[0], (usage(key_cert_sign=True), True))
    middle = certify("middle", by=_ROOT, extensions=extensions, key=_MIDDLE.key)
    with pytest.raises(SignatureError, match="no revocation list"):
        _check(revocation_list(middle), middle=middle)


def test_list_out_of_date_or_of_the_future_is_refused() -> None:
    with pytest.raises(SignatureError, match="out of date"):
        _check(revocation_list(_MIDDLE, issued=NOW - 3 * DAY, until=NOW - DAY))
    with pytest.raises(SignatureError, match="of the future"):
        _check(revocation_list(_MIDDLE, issued=NOW + DAY, until=NOW + 2 * DAY))


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=True,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        ),
    ],
)
def test_partial_list_is_refused(extension: x509.ExtensionType) -> None:
    with pytest.raises(SignatureError, match="critical extension that is not supported"):
        _check(revocation_list(_MIDDLE, extensions=[(extension, True)]))


def test_revocation_after_the_trusted_time_counts_unless_the_key_may_have_leaked() -> None:
    before = NOW - 2 * DAY / 3
    for reason in (x509.ReasonFlags.superseded, x509.ReasonFlags.cessation_of_operation):
        _check(revocation_list(_MIDDLE, _LEAF.certificate, reason=reason), at=before)
    for leaked in (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise, None):
        with pytest.raises(SignatureError, match="was revoked"):
            _check(revocation_list(_MIDDLE, _LEAF.certificate, reason=leaked), at=before)


def test_revocation_before_the_trusted_time_is_refused() -> None:
    with pytest.raises(SignatureError, match="was revoked"):
        _check(revocation_list(_MIDDLE, _LEAF.certificate, reason=x509.ReasonFlags.superseded), at=NOW - DAY / 3)


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_list_is_read_in_both_encodings(encoding: serialization.Encoding, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(revocation_list(_MIDDLE).public_bytes(encoding))
    assert load_revocation_list(tmp_path / "list").issuer == _MIDDLE.certificate.subject


def test_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(_MIDDLE.pem)
    with pytest.raises(InvalidKeyError, match="no certificate revocation list"):
        load_revocation_list(tmp_path / "list")
