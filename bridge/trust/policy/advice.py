"""What is unwise in a policy that is otherwise sound."""

from __future__ import annotations

from bridge.trust.policy.model import PACKAGE, SOURCE, Policy
from bridge.trust.policy.statements import CONVERSION, EQUIVALENCE_CPU, EQUIVALENCE_GPU, ROBUSTNESS, SOURCE_SIGNATURE


def advice(policy: Policy) -> tuple[str, ...]:
    """Sentences about what the policy lets through that it probably should not. None of them refuses anything."""
    return (*_signers(policy), *_statements(policy), *_freshness(policy), *_alerts(policy))


def _signers(policy: Policy) -> list[str]:
    used = {name for names in (*policy.accepted.values(), *policy.statements.values()) for name in names}
    if policy.runtime.libraries is not None:
        used.update(policy.runtime.libraries.signers)
    found = [f"the group {name} may sign nothing" for name in policy.signers if name not in used]
    both = sorted(set(policy.accepted.get(SOURCE, ())) & set(policy.accepted.get(PACKAGE, ())))
    if both:
        found.append(f"{', '.join(both)} may sign sources and packages: whoever has that key can vouch for the whole chain alone")
    return found


def _statements(policy: Policy) -> list[str]:
    found = []
    packages = policy.required.get(PACKAGE, ())
    if PACKAGE in policy.accepted and not packages:
        found.append("nothing is required of packages but a signature: claims that were taken away are not missed")
    elif PACKAGE in policy.accepted:
        found += [
            f"{kind} is not required of packages"
            for kind in (CONVERSION, SOURCE_SIGNATURE, EQUIVALENCE_CPU)
            if kind not in packages
        ]
    found += [
        f"{kind} is required of sources, which only packages have"
        for kind in (CONVERSION, SOURCE_SIGNATURE, EQUIVALENCE_CPU, EQUIVALENCE_GPU, ROBUSTNESS)
        if kind in policy.required.get(SOURCE, ())
    ]
    if policy.log.keys and not policy.log.required_witnesses:
        found.append("no witness of the log is required: whoever has its key can show a log of his own making")
    if policy.waived_accepted:
        found.append("waived tolerances are accepted")
    return found


def _freshness(policy: Policy) -> list[str]:
    found = []
    if PACKAGE in policy.accepted and PACKAGE not in policy.maximum_age_days:
        found.append("packages never grow too old: there is no maximum-age-days for them")
    if not policy.versions.remembered:
        found.append("versions are not remembered: an old model can be put back")
    elif not policy.versions.required:
        found.append("versions need not be stated: a model without a version can take the place of one that has one")
    return found


def _alerts(policy: Policy) -> list[str]:
    return [] if policy.alerts else ["nobody is alerted when bytes are not those that were signed"]
