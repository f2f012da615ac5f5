import json

import pytest

from bridge.errors import InvalidBundleError
from bridge.trust.provenance import claims as claims_module
from bridge.trust.provenance.claims import claims_file, on_one_line, read_claims
from tests.trust.provenance.histories import MODEL, trained


def test_bundles_are_kept_byte_for_byte() -> None:
    bundles = trained()
    claims = read_claims(claims_file(bundles))
    assert [claim.data for claim in claims] == bundles
    assert [claim.line for claim in claims] == [1, 2]
    assert {claim.subjects for claim in claims} == {frozenset({MODEL})}


def test_empty_file_holds_no_claims() -> None:
    assert read_claims(b"") == ()


def test_file_that_was_cut_short_is_refused() -> None:
    with pytest.raises(InvalidBundleError, match="does not end with the end of a line"):
        read_claims(claims_file(trained())[:-1])


def test_claim_that_stands_twice_is_refused() -> None:
    first, second = trained()
    with pytest.raises(InvalidBundleError, match=r"line 3 of claims\.jsonl repeats line 1"):
        read_claims(claims_file([first, second, first]))


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b"\xff", b"{", b'{"mediaType": 1}'])
def test_line_that_is_no_bundle_is_refused_with_its_number(line: bytes) -> None:
    with pytest.raises(InvalidBundleError, match=r"line 2 of claims\.jsonl"):
        read_claims(trained()[0] + b"\n" + line + b"\n")


def test_bundle_whose_payload_is_no_statement_is_refused() -> None:
    bundle = json.loads(trained()[0])
    bundle["dsseEnvelope"]["payload"] = "e30="
    with pytest.raises(InvalidBundleError, match=r"line 1 of claims\.jsonl: .*_type"):
        read_claims(json.dumps(bundle).encode() + b"\n")


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("CLAIMS_BYTES_AT_MOST", 100, "expected at most 100"),
        ("CLAIMS_AT_MOST", 1, "2 lines"),
        ("CLAIM_BYTES_AT_MOST", 10, "line 1 .* expected at most 10"),
    ],
)
def test_file_beyond_its_bounds_is_refused(limit: str, value: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, limit, value)
    with pytest.raises(InvalidBundleError, match=reason):
        read_claims(claims_file(trained()))


def test_signature_of_several_lines_becomes_one_line_with_the_same_payload() -> None:
    bundle = trained()[1]
    laid_out = json.dumps(json.loads(bundle), indent=2).encode() + b"\n"
    assert on_one_line(laid_out) == bundle
    assert on_one_line(bundle + b"\n") == bundle
