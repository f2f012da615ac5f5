"""What was signed, by whom, and whether that suffices."""

from __future__ import annotations

from bridge.errors.root import BridgeError


class TrustError(BridgeError):
    """Root of what stands between bytes and trust in them."""


class InvalidKeyError(TrustError):
    """A key or certificate that cannot be used: damaged, of another kind, or under another password."""


class InvalidBundleError(TrustError):
    """A signature, statement or proof that departs from its published form.

    ``field`` is the path of the member at fault, as in ``dsseEnvelope.signatures[0].sig``, or empty for the whole.
    """

    def __init__(self, message: str, *, field: str = "", expected: str | None = None, found: str | None = None) -> None:
        self.field = field
        where = f" in {field}" if field else ""
        wanted = f"; expected {expected}" if expected is not None else ""
        seen = f"; found {found}" if found is not None else ""
        super().__init__(f"{message}{where}{wanted}{seen}")


class SignatureError(TrustError):
    """A well-formed signature that is not one by the key, or the chain of certificates, that it has to come from."""


class ForgedSignatureError(SignatureError):
    """A signature that names a signer who is trusted, and yet is not by them over these bytes: forged, or damaged."""


class IntegrityError(TrustError):
    """Bytes that are not those that were signed. ``expected`` and ``computed`` are digests in hexadecimal, or a description."""

    def __init__(self, path: str, *, expected: str, computed: str, advice: str = "") -> None:
        self.path = path
        self.expected = expected
        self.computed = computed
        tail = f"; {advice}" if advice else ""
        super().__init__(f"{path}: not what was signed: expected {expected}, computed {computed}{tail}")


class UnsafePathError(TrustError):
    """Something among a model's files that no signature can cover: a link, a pipe, a device, a name with two readings."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path!r}: {reason}")


class PolicyError(TrustError):
    """A rule of the policy refuses. ``rule`` is its name, by which the policy file and the documentation call it."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(f"refused by the policy's rule {rule}: {message}")


class UnexpectedModelError(TrustError):
    """A package, or a policy, that is sound, and yet is not the one that a deployment of several replicas was fixed to."""


class TransparencyLogError(TrustError):
    """A log that was rewritten, or a proof that does not lead to its signed root.

    ``reason`` is the fault in one word, by which the documentation calls it: ``rollback``, ``fork``, ``inclusion``...
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(f"transparency log ({reason}): {message}")
