"""bridge.trust.policy.document: what a policy's file may say, and what becomes of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bridge.errors import InvalidKeyError, InvalidOptionError
from bridge.trust.alerts.command import Command
from bridge.trust.alerts.syslog import Syslog
from bridge.trust.alerts.webhook import Webhook
from bridge.trust.policy.document import default_policy, load_policy, policy_for, policy_schema
from bridge.trust.policy.model import PACKAGE, SOURCE, GuardRules, LibraryRules, RuntimeRules
from tests.trust.signed_models import Authority, fingerprint, new_key, write_policy, write_public

SIGNER = new_key()


def _document(folder: Path, **more: Any) -> dict[str, Any]:
    signers = {"team": {"keys": [write_public(folder, "team", SIGNER)]}}
    return {"policy": 1, "signers": signers, "accept": {"source": ["team"]}} | more


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(policy_schema())


def test_smallest_policy_trusts_one_group_with_one_role(tmp_path: Path) -> None:
    path = write_policy(tmp_path, _document(tmp_path))
    policy = load_policy(path)
    assert (policy.name, policy.sha256) == ("policy", hashlib.sha256(path.read_bytes()).hexdigest())
    assert [group.name for group in policy.groups(SOURCE)] == ["team"]
    assert policy.groups(PACKAGE) == ()
    assert policy.versions.remembered
    assert not policy.versions.required
    assert not policy.waived_accepted
    assert policy.runtime == RuntimeRules("none", None)


def test_everything_that_can_be_said_is_taken_over(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.revocation_list()
    document = {
        "policy": 1,
        "name": "production",
        "signers": {
            "team": {"keys": [{"path": write_public(tmp_path, "team", SIGNER), "fingerprint": f"sha256:{fingerprint(SIGNER)}"}]},
            "ci": {
                "certificates": {"roots": ["root.pem"], "revocation-lists": ["revoked.crl"], "identities": ["email:*@ci.org"]}
            },
        },
        "accept": {"source": ["team"], "package": ["ci"], "statements": {"training": ["team"], "https://example.org/v1": ["ci"]}},
        "require": {"source": ["training"], "package": ["conversion", "https://example.org/v1"]},
        "accept-waived": True,
        "maximum-age-days": {"package": 1.5},
        "versions": {"minimum": {"digits": "2.10"}, "remember": False, "store": "state/versions.sqlite"},
        "revoked": {"keys": [f"sha256:{'a' * 64}", "b" * 64], "digests": ["c" * 64, f"blake2b:{'d' * 128}"]},
        "runtime": {
            "minimum-sandbox": "landlock-4+seccomp",
            "libraries": {"lock": "libraries.lock", "signers": ["ci"]},
            "guards": {"require": ["range", "jpeg"], "digests": ["sha256:" + "a" * 64]},
        },
        "alerts": [
            {"webhook": "http://127.0.0.1/", "allow-http": True, "timeout-seconds": 2},
            {"syslog": "udp://127.0.0.1:514", "facility": "local0", "events": ["integrity", "refusal"]},
            {"command": ["/bin/true", "x"]},
        ],
        "fallback": "packages/old",
    }
    policy = load_policy(write_policy(tmp_path, document))
    assert policy.name == "production"
    assert policy.statements["training"] == ("team",)
    assert [group.name for group in policy.groups_for_statement("conversion")] == ["team", "ci"]
    assert policy.required[PACKAGE] == ("conversion", "https://example.org/v1")
    assert policy.maximum_age_days == {PACKAGE: 1.5}
    assert (policy.versions.minimum, policy.versions.required, policy.versions.remembered) == ({"digits": "2.10"}, True, False)
    assert policy.versions.store == tmp_path / "state" / "versions.sqlite"
    assert policy.revoked_keys == {"a" * 64, "b" * 64}
    assert policy.revoked_digests == {"c" * 64, "d" * 128}
    guards = GuardRules(("range", "jpeg"), frozenset({"a" * 64}))
    assert policy.runtime == RuntimeRules("landlock-4+seccomp", LibraryRules(tmp_path / "libraries.lock", ("ci",)), guards)
    assert [alert.channel for alert in policy.alerts] == [
        Webhook("http://127.0.0.1/", 2.0, allow_http=True),
        Syslog("udp://127.0.0.1:514", "local0"),
        Command(("/bin/true", "x")),
    ]
    assert [sorted(alert.events) for alert in policy.alerts] == [["integrity"], ["integrity", "refusal"], ["integrity"]]
    assert policy.fallback == tmp_path / "packages" / "old"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"policy": 2}, "policy: 1 was expected"),
        ({"polcy": 1}, "'polcy' was unexpected"),
        ({"allow-unsigned": True}, "'allow-unsigned' was unexpected"),
        ({"accept": {}}, r"accept: \{\} should be non-empty"),
        ({"accept": {"source": ["nobody"]}}, "accept.source: no group 'nobody' among the signers; expected one of team"),
        ({"accept": {"source": ["team"], "statements": {"equivalence": ["team"]}}}, "accept"),
        ({"require": {"package": ["robustnes"]}}, "require.package.0"),
        ({"maximum-age-days": {"package": -1}}, "maximum-age-days.package"),
        ({"versions": {"minimum": {"digits": 2.1}}}, "versions.minimum.digits: 2.1 is not of type 'string'"),
        ({"versions": {"minimum": {"digits": "v2"}}}, "versions.minimum.digits"),
        ({"revoked": {"keys": ["abc"]}}, "revoked.keys.0"),
        ({"alerts": [{"webhook": "https://x.org/", "command": ["x"]}]}, "alerts.0"),
        ({"alerts": [{"timeout-seconds": 5}]}, "alerts.0"),
        ({"runtime": {"minimum-sandbox": "strong"}}, "runtime.minimum-sandbox: 'strong' does not match"),
        ({"runtime": {"sandbox": "seccomp"}}, "'sandbox' was unexpected"),
        ({"runtime": {"guards": {}}}, "runtime.guards"),
        ({"runtime": {"guards": {"require": ["firewall"]}}}, "runtime.guards.require.0: 'firewall' is not one of"),
        ({"runtime": {"guards": {"digests": ["ab"]}}}, "runtime.guards.digests.0"),
        ({"runtime": {"libraries": {"lock": "x.lock"}}}, "runtime.libraries: 'signers' is a required property"),
        (
            {"runtime": {"libraries": {"lock": "x", "signers": ["ci"]}}},
            "runtime.libraries.signers: no group 'ci' among the signers",
        ),
        ({"alerts": [{"webhook": "http://x.org/"}]}, "expected an address that begins with https://"),
        ({"alerts": [{"webhook": "file:///etc/passwd", "allow-http": True}]}, "expected an address that begins with https://"),
        ({"alerts": [{"command": ["x"], "timeout-seconds": 3600}]}, "alerts.0"),
        ({"alerts": [{"syslog": "log"}]}, "expected the path of a socket"),
        ({"signers": {"team": {"keys": ["nowhere.pub"]}}}, "cannot read the public key"),
        ({"signers": {"Team One": {"keys": ["team.pub"]}}}, "signers"),
        ({"signers": {"team": {"certificates": {"roots": ["team.pub"], "identities": ["a@b.org"]}}}}, "identities"),
    ],
)
def test_mistake_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    path = write_policy(tmp_path, _document(tmp_path, **change))
    with pytest.raises(InvalidOptionError, match=sentence):
        load_policy(path)


def test_key_with_another_fingerprint_is_refused(tmp_path: Path) -> None:
    entry = {"path": write_public(tmp_path, "team", SIGNER), "fingerprint": "a" * 64}
    path = write_policy(tmp_path, _document(tmp_path, signers={"team": {"keys": [entry]}}))
    with pytest.raises(InvalidKeyError, match=f"expected the fingerprint a{{64}}, found {fingerprint(SIGNER)}"):
        load_policy(path)


def test_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = write_policy(tmp_path, _document(tmp_path))
    (tmp_path / "team.pub").write_bytes(b"no key")
    with pytest.raises(InvalidKeyError, match="no public key in PEM"):
        load_policy(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the whole: None is not of type 'object'"),
        ("policy: 1\npolicy: 1\n", "stated twice"),
        ("a: &a [x]\nb: *a\n", "an alias"),
        ("policy: !!python/object/apply:os.system ['touch hacked']\n", "policy"),
        ("{" * 2000, "YAML|nested"),
        ("- " * 5000 + "x", "YAML|nested"),
        ("policy: 1\x00", "YAML"),
    ],
)
def test_other_yaml_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidOptionError, match=sentence):
        load_policy(path)
    assert not Path("hacked").exists()


def test_long_file_and_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidOptionError, match="more than 1048576 bytes"):
        load_policy(tmp_path / "long.yaml")
    with pytest.raises(InvalidOptionError, match="cannot read the policy"):
        load_policy(tmp_path / "nowhere.yaml")


def test_keys_alone_make_a_policy_that_is_known_by_them(tmp_path: Path) -> None:
    one, two = (tmp_path / write_public(tmp_path, name, new_key()) for name in ("one", "two"))
    assert policy_for([one, two]).sha256 == policy_for([two, one]).sha256
    assert policy_for([one]).sha256 != policy_for([two]).sha256
    assert policy_for([one]).groups(SOURCE)
    assert policy_for([one]).groups(PACKAGE)


def test_no_keys_make_the_policy_that_trusts_nobody() -> None:
    assert policy_for() == default_policy()
    assert default_policy().groups(SOURCE) == ()
