"""Who signed, in the policy's terms: the group, whether it may sign this, whether the key is revoked."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import ForgedSignatureError, PolicyError, SignatureError
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import REVOKED_KEY, ROLE, SIGNATURE, SIGNERS
from bridge.trust.signers import Identity, VerificationMaterial, Verifier

_ADVICE = (
    "name a public key (--public-key), a root certificate (--trusted-root) or a policy (--policy) that accepts somebody; to take "
    "it without any proof of where it comes from, allow that explicitly (--allow-unsigned)"
)


@dataclass(frozen=True, slots=True)
class IdentityFilter:
    """Trusts those whom ``verifier`` trusts and whose certificate has a name that one of ``patterns`` describes.

    A pattern begins with ``email:``, ``uri:``, ``dns:`` or ``subject:``; ``*`` in it stands for any characters.
    """

    verifier: Verifier
    patterns: tuple[str, ...]

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """Whom the certificate is for. Raises ``SignatureError`` if no pattern describes it."""
        identity = self.verifier.verify(material, message, signature)
        names = (f"subject:{identity.name}", *identity.alternative_names)
        if any(_describes(pattern, name) for pattern in self.patterns for name in names):
            return identity
        raise SignatureError(
            f"signed by {', '.join(ascii(name) for name in names)}, certified under a trusted root, but none of "
            f"{', '.join(self.patterns)}"
        )


@dataclass(slots=True)
class PolicyVerifier:
    """Verifies signatures over things of one role. ``group`` is the name of the signer's group after a success."""

    policy: Policy
    role: str
    group: str = ""

    def refuse_unless_configured(self) -> None:
        """Raise ``PolicyError`` where nobody may sign things of this role."""
        if not self.policy.groups(self.role):
            raise PolicyError(SIGNERS, f"nobody is configured who may sign a {self.role}: {_ADVICE}")

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """Who signed. Raises ``PolicyError`` by the rules for signers; never ``SignatureError``."""
        groups = self.policy.groups(self.role)
        reasons: list[str] = []
        others = [group for group in self.policy.signers.values() if group not in groups]
        for group in (*groups, *others):
            try:
                identity = group.verifier.verify(material, message, signature)
            except SignatureError as error:
                reasons.append(f"{group.name}: {error}")
                continue
            if group in others:
                raise PolicyError(
                    ROLE,
                    f"signed by {identity.name!a} of {group.name}, which may not sign a {self.role}; "
                    f"expected {' or '.join(accepted.name for accepted in groups)}",
                )
            if identity.fingerprint in self.policy.revoked_keys:
                raise PolicyError(REVOKED_KEY, f"{identity.name!a} ({group.name}) is revoked")
            self.group = group.name
            return identity
        because = "; ".join(dict.fromkeys(reasons))
        raise PolicyError(SIGNATURE, f"no valid signature by anybody who may sign a {self.role}: {because}")


@dataclass(frozen=True, slots=True)
class StatementVerifier:
    """Verifies claims: by anybody in ``groups`` whose key is not revoked."""

    policy: Policy
    group_names: tuple[str, ...]

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """Who signed. Raises ``SignatureError``: a claim by a stranger counts for nothing, and need not be refused.

        A claim in the name of somebody trusted, which is not theirs, raises ``ForgedSignatureError``.
        """
        reasons: list[str] = []
        kind = SignatureError
        for name in self.group_names:
            try:
                identity = self.policy.signers[name].verifier.verify(material, message, signature)
            except SignatureError as error:
                kind = ForgedSignatureError if isinstance(error, ForgedSignatureError) else kind
                reasons.append(f"{name}: {error}")
                continue
            if identity.fingerprint not in self.policy.revoked_keys:
                return identity
            reasons.append(f"{name}: {identity.name!a} is revoked")
        raise kind("; ".join(dict.fromkeys(reasons)) or "nobody is trusted with such statements")


def _describes(pattern: str, name: str) -> bool:
    """Whether ``name`` is what ``pattern`` says, stars being any characters. Takes time in proportion to the name's length."""
    first, *others = pattern.split("*")
    if not others:
        return name == first
    *middle, last = others
    if not name.startswith(first):
        return False
    position = len(first)
    for part in middle:
        found = name.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(name) - len(last) >= position and name.endswith(last)
