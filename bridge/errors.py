"""Every error that is the input's or the caller's fault.

    BridgeError
    ├── UsageError                     the call itself is wrong
    │   ├── UnknownOutputError         an output was asked for that the model does not have
    │   ├── InvalidInputsError         a file of input values that does not fit the model, or is damaged
    │   └── InvalidOptionError         an option has a value that cannot be used
    ├── SourceError                    the bytes of a model file
    │   ├── NotAModelError             some other file: a checkpoint, an ONNX model, noise
    │   ├── UnsupportedVersionError    a format version that no release of CNTK writes
    │   ├── InvalidModelError          bytes out of place, with offset and field
    │   ├── LimitExceededError         a count or size beyond ``bridge.limits``
    │   └── SourceChangedError         the file changed while it was read
    ├── InvalidGraphError              the bytes are sound, the network they describe is not
    ├── RefusedError                   sound, but not convertible
    │   ├── UserCodeError              the model holds user-defined functions: code, never run
    │   └── UnsupportedOperatorsError  all operators that cannot be expressed, at once
    ├── TrustError                     what was signed, by whom, and whether that suffices
    │   ├── InvalidKeyError            a key or certificate that cannot be used: damaged, of another kind, wrong password
    │   ├── InvalidBundleError         a signature, statement or proof whose form is not the published one
    │   ├── SignatureError             well formed, and yet not signed by the key or chain that it has to be signed by
    │   │   └── ForgedSignatureError   it names a signer who is trusted, and is not by them over these bytes
    │   ├── IntegrityError             bytes that are not those that were signed
    │   ├── UnsafePathError            a link, pipe, device or name among a model's files that could stand for something else
    │   ├── PolicyError                all of that holds, and a rule of the policy refuses
    │   ├── UnexpectedModelError       signed by somebody trusted, and yet not what a deployment was fixed to
    │   └── TransparencyLogError       a log that is not append-only, or a proof that does not lead to its root
    ├── ReferenceEngineError           the real CNTK
    │   ├── ReferenceMissingError      it is not installed, or what it needs is not there
    │   ├── ReferenceChangedError      a wheel or an installed file is not the one that was pinned
    │   └── ReferenceEvaluationError   it refused a model or its inputs, crashed, or ran into a limit
    ├── WriteError                     a result could not be written
    ├── InvalidGoldenCaseError         a folder of golden cases that cannot be used
    ├── InvalidReportError             a report whose form is not the published one
    ├── InvalidWaiverError             a wider tolerance without a reason, or beyond its day
    ├── InvalidPackageError            the folder of a converted model that is incomplete or was changed
    ├── UnsignedCodeError              code that would be run, and that no signature covers
    └── RuntimeFaultError              a model that is served, or would be
        ├── RefusedModelError          a converted model that is not handed to the engine, with the check that refuses
        ├── InvalidInputError          an input that departs from the signed interface
        │   └── GuardRefusedError      an input that one of the guards does not let through
        ├── DeadlineExceeded           no answer within the time that the caller gave
        ├── ModelFailedError           the engine failed, or its answer departs from the signed interface
        ├── OverloadedError            the model is busy: try again later
        ├── RequestRefusedError        the server does not answer a request, for a reason that it names
        └── DeploymentFailedError      a fleet whose replicas did not come up; the sentence is that of one of them

A bug in this project raises something else (``AssertionError``, ``KeyError``): such an error is ours, and wants a report.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


class BridgeError(Exception):
    """Root of every error that is the input's or the caller's fault."""


class UsageError(BridgeError):
    """The call is wrong, whatever the model."""


class UnknownOutputError(UsageError):
    """An output was asked for that the model does not have."""

    def __init__(self, wanted: str, available: list[str]) -> None:
        self.wanted = wanted
        self.available = available
        shown = ", ".join(repr(name) for name in available[:20]) or "none"
        more = f" and {len(available) - 20} more" if len(available) > 20 else ""
        super().__init__(
            f"no output {wanted!r}: expected the name or uid of a node; this model has {shown}{more}; "
            "`bridge inspect --nodes` lists them all"
        )


class InvalidOptionError(UsageError):
    """An option has a value that cannot be used."""


class InvalidInputsError(UsageError):
    """A file of input values that is damaged, or does not fit the model; the sentence names the line or the array."""


class SourceError(BridgeError):
    """The bytes of a model file are at fault.

    ``offset`` is the byte offset in the file where the fault lies, ``field`` the path of the field that holds it, both
    ``None`` when the fault concerns the file as a whole.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        field: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.message = message
        self.offset = offset
        self.field = field
        self.expected = expected
        self.found = found
        self.advice = advice
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        where = "".join(
            (
                f" at offset {self.offset}" if self.offset is not None else "",
                f" in {self.field}" if self.field else "",
            )
        )
        parts = [f"{self.message}{where}"]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.advice is not None:
            parts.append(self.advice)
        return "; ".join(parts)


class NotAModelError(SourceError):
    """The file is something else than a CNTK model."""


class UnsupportedVersionError(SourceError):
    """A format version that no release of CNTK writes."""


class InvalidModelError(SourceError):
    """Bytes out of place."""


class LimitExceededError(SourceError):
    """A count or size beyond ``bridge.limits.Limits``."""

    def __init__(self, resource: str, *, limit: int, actual: int, offset: int | None = None, field: str | None = None) -> None:
        self.resource = resource
        self.limit = limit
        self.actual = actual
        super().__init__(
            f"too many {resource}" if not resource.endswith("length") else f"{resource} too great",
            offset=offset,
            field=field,
            expected=f"at most {limit}",
            found=str(actual),
            advice="raise the bound in bridge.limits.Limits if the file is genuine",
        )


class SourceChangedError(SourceError):
    """The file changed while it was read, so what was hashed may not be what was converted."""


class InvalidGraphError(BridgeError):
    """The bytes are sound, but the network they describe is not one that CNTK could evaluate."""

    def __init__(self, message: str, *, node: str | None = None) -> None:
        self.message = message
        self.node = node
        super().__init__(f"node {node}: {message}" if node else message)


class RefusedError(BridgeError):
    """The model is sound, and yet it is not converted."""


class UserCodeError(RefusedError):
    """The model holds user-defined functions. They are code: named here, never imported or run."""

    def __init__(self, functions: list[str]) -> None:
        self.functions = functions
        super().__init__(
            f"the model holds {len(functions)} user-defined function(s), which are code and are never loaded: "
            + ", ".join(functions[:20])
            + "; rebuild the model from CNTK's own operators, or save the part of it that does not need them"
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one node cannot be converted, and the way out."""

    node: str
    operator: str
    reason: str
    advice: str = ""

    def __str__(self) -> str:
        tail = f" ({self.advice})" if self.advice else ""
        return f"{self.operator} {self.node}: {self.reason}{tail}"


class UnsupportedOperatorsError(RefusedError):
    """Everything in the model that cannot be expressed, at once."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        kinds = Counter(refusal.operator for refusal in refusals)
        summary = ", ".join(f"{name} x{count}" for name, count in sorted(kinds.items()))
        lines = "\n".join(f"  {refusal}" for refusal in refusals[:50])
        more = f"\n  and {len(refusals) - 50} more" if len(refusals) > 50 else ""
        super().__init__(f"{len(refusals)} node(s) cannot be converted ({summary}):\n{lines}{more}")


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


class ReferenceEngineError(BridgeError):
    """The real CNTK is not there, is not the one that was pinned, or failed."""


class ReferenceMissingError(ReferenceEngineError):
    """The real CNTK is not installed, or something that it needs is not on this machine."""


class ReferenceChangedError(ReferenceEngineError):
    """A wheel or an installed file of the real CNTK is not the one that was pinned."""


class ReferenceEvaluationError(ReferenceEngineError):
    """The real CNTK refused a model or its inputs, crashed, or ran into one of its limits."""


class WriteError(BridgeError):
    """A result could not be written; whatever stood at its place before is untouched."""


class InvalidGoldenCaseError(BridgeError):
    """A folder of golden cases that cannot be used."""


class InvalidReportError(BridgeError):
    """A report that departs from its published form. ``field`` is the path of the member at fault, as in ``cases[0].outputs``."""

    def __init__(self, message: str, *, field: str = "", expected: str | None = None, found: str | None = None) -> None:
        self.field = field
        where = f" in {field}" if field else ""
        wanted = f"; expected {expected}" if expected is not None else ""
        seen = f"; found {found}" if found is not None else ""
        super().__init__(f"{message}{where}{wanted}{seen}")


class InvalidWaiverError(BridgeError):
    """A wider tolerance that nobody answers for: without a reason, beyond its day, or not in the published form."""


class InvalidPackageError(BridgeError):
    """The folder of a converted model is incomplete, was changed, or is something else."""


class UnsignedCodeError(BridgeError):
    """Code that would be run, and that no signature covers."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} would be run, and no signature covers it; pass allow_unsigned=True if you trust where the folder comes "
            "from, or trusted_keys if it is a signed package"
        )


class RuntimeFaultError(BridgeError):
    """Root of what can go wrong when a converted model is loaded and asked."""


class RefusedModelError(RuntimeFaultError):
    """A converted model that is not handed to the engine.

    ``check`` is the name of the check that refuses, by which the documentation calls it; ``where`` the node, tensor or byte.
    """

    def __init__(self, check: str, where: str, *, expected: str, found: str, advice: str = "") -> None:
        self.check = check
        self.where = where
        self.expected = expected
        self.found = found
        tail = f"; {advice}" if advice else ""
        super().__init__(f"refused by the check {check}: {where}: expected {expected}; found {found}{tail}")


class InvalidInputError(RuntimeFaultError):
    """An input that departs from the signed interface. ``name`` is the input, empty for all of them together."""

    def __init__(self, name: str, *, expected: str, found: str) -> None:
        self.name = name
        self.expected = expected
        self.found = found
        super().__init__(f"{f'input {name!r}' if name else 'the inputs'}: expected {expected}; found {found}")


class GuardRefusedError(InvalidInputError):
    """An input as the interface asks for it that a guard does not let through. ``guard`` is the guard's name."""

    def __init__(self, guard: str, name: str, *, expected: str, found: str) -> None:
        self.guard = guard
        super().__init__(name, expected=expected, found=f"{found}; refused by the guard {guard}")


class DeadlineExceeded(RuntimeFaultError):  # noqa: N818  # The name that gRPC and its users know.
    """No answer within the time that the caller gave. ``seconds`` is that time; ``what`` says what took longer."""

    def __init__(self, seconds: float, what: str = "the model") -> None:
        self.seconds = seconds
        super().__init__(f"{what} gave no answer within {seconds:g} s")


class ModelFailedError(RuntimeFaultError):
    """The engine failed, or its answer departs from the signed interface. The inputs were as the interface asks."""


class OverloadedError(RuntimeFaultError):
    """The model is busy. ``retry_after`` is in seconds: when a new call may succeed, as far as can be told."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class RequestRefusedError(RuntimeFaultError):
    """A request that the server does not answer.

    ``reason`` is one of ``bridge.serve.refusals.REASONS``; ``retry_after`` in seconds, ``None`` where trying again is no use.
    """

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(message)


class DeploymentFailedError(RuntimeFaultError):
    """A fleet whose replicas did not come up. The sentence is what one of them has said, or what became of Ray."""
