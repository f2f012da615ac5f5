"""A claim in words: a title, and the facts worth telling, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.trust.provenance.chain import CheckedClaim
from bridge.trust.provenance.predicates import (
    CONVERTER_ROLE,
    DATASET,
    MODEL_SIGNATURE,
    REPOSITORY,
    TEST_RESULT,
    VERIFICATION_SUMMARY,
)
from bridge.trust.provenance.resource import Resource
from bridge.trust.provenance.step import Step

Facts = list[tuple[str, str]]
"""What it is, and the fact."""

_TEXT_AT_MOST = 300


def in_order(claims: Sequence[CheckedClaim]) -> list[CheckedClaim]:
    """The claims about an artefact as a reader wants them: its signature first, and last how it was made, next to its source."""

    def place(claim: CheckedClaim) -> tuple[bool, bool, int]:
        return bool(claim.sources), claim.claim.statement.predicate_type != MODEL_SIGNATURE, claim.claim.line

    return sorted(claims, key=place)


def title_of(claim: CheckedClaim) -> str:
    """What the claim says, in a few words."""
    statement = claim.claim.statement
    if claim.step is not None and claim.step.is_conversion:
        return f"converted to {_short(claim.step.parameters.get('target')) or 'another form'}"
    if claim.step is not None and claim.step.is_training:
        return "trained"
    if claim.step is not None:
        return f"built by {_short(claim.step.build_type)}"
    if statement.predicate_type == MODEL_SIGNATURE:
        return "signed"
    if statement.predicate_type == VERIFICATION_SUMMARY:
        return "source verified before the conversion"
    if statement.predicate_type == TEST_RESULT:
        kind = _short(statement.predicate.get("cntkbridge_kind")) or "test"
        return f"{kind} test: {_short(statement.predicate.get('result')) or 'no result'}"
    return _short(statement.predicate_type)


def facts_of(claim: CheckedClaim) -> Facts:
    """The facts of a claim, those that are known of its kind. What is not of the expected form is passed over."""
    predicate = claim.claim.statement.predicate
    kind = claim.claim.statement.predicate_type
    if claim.step is not None and claim.step.is_conversion:
        facts = _conversion(claim.step, predicate)
    elif claim.step is not None and claim.step.is_training:
        facts = _training(claim.step, predicate)
    elif kind == TEST_RESULT:
        facts = _test(predicate)
    elif kind == VERIFICATION_SUMMARY:
        facts = _verification(predicate)
    elif kind == MODEL_SIGNATURE:
        facts = [("files", str(len(_list(predicate, "resources"))))]
    else:
        facts = []
    return [(name, text) for name, text in facts if text]


def _conversion(step: Step, predicate: Mapping[str, Any]) -> Facts:
    run = _object(predicate, "runDetails")
    version = _object(_object(run, "builder"), "version").get("cntk-bridge")
    chosen = [(name, value) for name, value in step.parameters.items() if value not in (None, False, [])]
    options = [f"{name} {_short(value)}" for name, value in chosen if name not in {"source", "target"}]
    converter = next((item for item in step.dependencies if item.role == CONVERTER_ROLE), None)
    verified = run.get("cntkbridge_sourceVerified")
    return [
        ("converter", f"cntk-bridge {_short(version)}" if version else ""),
        ("converter's code", f"sha256:{converter.sha256}" if converter is not None and converter.sha256 else ""),
        ("options", ", ".join(options)),
        (
            "source's signature",
            {True: "verified before", False: "not verified"}.get(verified, "") if isinstance(verified, bool) else "",
        ),
        ("finished", _short(step.finished)),
    ]


def _training(step: Step, predicate: Mapping[str, Any]) -> Facts:
    run = _object(predicate, "runDetails")
    said = _object(run, "cntkbridge_statedBy")
    told = _object(run, "cntkbridge_model")
    model = _object(told, "model")
    environment = _object(_object(_object(predicate, "buildDefinition"), "internalParameters"), "environment")
    facts: Facts = [(name, _short(model.get(name))) for name in ("name", "version", "purpose", "owner", "licence")]
    facts += [(resource.role or "from", _resource(resource)) for resource in step.dependencies]
    parameters = _object(step.parameters, "parameters")
    facts += [
        ("parameters", ", ".join(f"{_short(name)} {_short(value)}" for name, value in list(parameters.items())[:20])),
        ("data", "; ".join(filter(None, (_data(item) for item in _list(told, "data")[:20])))),
        ("metrics", "; ".join(filter(None, (_metric(item) for item in _list(told, "metrics")[:20])))),
        ("limitations", _short(_list(told, "limitations"))),
        ("environment", _environment(environment)),
        ("trained", " to ".join(filter(None, (_short(step.started), _short(step.finished))))),
        ("stated by", ", ".join(filter(None, (_short(said.get(name)) for name in ("name", "email", "user", "host"))))),
        ("stated at", _short(said.get("at"))),
    ]
    return facts


def _test(predicate: Mapping[str, Any]) -> Facts:
    summary = _object(predicate, "cntkbridge_summary")
    worst = _object(summary, "worst")
    counts = [(len(_list(predicate, f"{name}Tests")), name) for name in ("passed", "warned", "failed")]
    tolerances = _object(summary, "tolerances")
    return [
        ("tests", ", ".join(f"{count} {name}" for count, name in counts if count)),
        ("devices", ", ".join(map(_short, _list(summary, "devices")))),
        ("greatest error", f"absolute {_figure(worst.get('maxAbs'))}, relative {_figure(worst.get('maxRel'))}" if worst else ""),
        ("tolerances", ", ".join(f"{_short(kind)} {_tolerance(value)}" for kind, value in tolerances.items())),
        ("made", _short(summary.get("created"))),
    ]


def _verification(predicate: Mapping[str, Any]) -> Facts:
    policy = _object(predicate, "policy")
    return [
        ("result", _short(predicate.get("verificationResult"))),
        ("signed by", _short(_object(predicate, "cntkbridge_signer").get("name"))),
        ("policy", _short(policy.get("uri"))),
        ("policy's digest", _short(_object(policy, "digest").get("sha256"))),
        ("at", _short(predicate.get("timeVerified"))),
    ]


def _resource(resource: Resource) -> str:
    digest = next((f"{algorithm}:{text}" for algorithm, text in resource.digest.items()), "")
    words = [_short(resource.name), _short(resource.uri) if resource.role == REPOSITORY else "", digest]
    if resource.annotations.get("dirty") is True:
        words.append(f"with {_short(resource.annotations.get('changedFiles'))} changed file(s)")
    if resource.role == DATASET:
        words.append(f"{_short(resource.annotations.get('files'))} files")
    return ", ".join(filter(None, words))


def _environment(environment: Mapping[str, Any]) -> str:
    packages = _object(environment, "packages")
    words = [
        f"Python {_short(environment.get('python'))}" if environment.get("python") else "",
        _short(environment.get("platform")),
    ]
    words += [
        f"{len(packages)} packages" if packages else "",
        f"as of {_short(environment.get('observed'))}" if environment else "",
    ]
    return ", ".join(filter(None, words))


def _tolerance(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    return f"rtol {_short(value.get('rtol'))} atol {_short(value.get('atol'))}"


def _metric(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    data, lower, upper = (_short(item.get(name)) for name in ("data", "lower", "upper"))
    interval = f" ({lower} to {upper})" if lower and upper else ""
    return f"{_short(item.get('name'))} {_short(item.get('value'))}{interval}{f' on {data}' if data else ''}"


def _data(item: Any) -> str:
    words = (_short(item.get(name)) for name in ("name", "use", "licence")) if isinstance(item, dict) else ()
    return ", ".join(filter(None, words))


def _figure(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else _short(value)


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    return value if isinstance(value, list) else []


def _short(value: Any) -> str:
    """A stranger's value as a short text; nothing for what is neither text nor number nor a list of such."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(filter(None, (_short(item) for item in value[:20])))
    if not isinstance(value, str | int | float):
        return ""
    text = str(value)
    return text if len(text) <= _TEXT_AT_MOST else f"{text[: _TEXT_AT_MOST - 1]}…"
