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

from bridge.errors.artefacts import (
    InvalidGoldenCaseError,
    InvalidPackageError,
    InvalidReportError,
    InvalidWaiverError,
    UnsignedCodeError,
    WriteError,
)
from bridge.errors.conversion import (
    InvalidGraphError,
    Refusal,
    RefusedError,
    UnsupportedOperatorsError,
    UserCodeError,
)
from bridge.errors.reference import (
    ReferenceChangedError,
    ReferenceEngineError,
    ReferenceEvaluationError,
    ReferenceMissingError,
)
from bridge.errors.root import (
    BridgeError,
)
from bridge.errors.runtime import (
    DeadlineExceeded,
    DeploymentFailedError,
    GuardRefusedError,
    InvalidInputError,
    ModelFailedError,
    OverloadedError,
    RefusedModelError,
    RequestRefusedError,
    RuntimeFaultError,
)
from bridge.errors.source import (
    InvalidModelError,
    LimitExceededError,
    NotAModelError,
    SourceChangedError,
    SourceError,
    UnsupportedVersionError,
)
from bridge.errors.trust import (
    ForgedSignatureError,
    IntegrityError,
    InvalidBundleError,
    InvalidKeyError,
    PolicyError,
    SignatureError,
    TransparencyLogError,
    TrustError,
    UnexpectedModelError,
    UnsafePathError,
)
from bridge.errors.usage import (
    InvalidInputsError,
    InvalidOptionError,
    UnknownOutputError,
    UsageError,
)

__all__ = [
    "BridgeError",
    "DeadlineExceeded",
    "DeploymentFailedError",
    "ForgedSignatureError",
    "GuardRefusedError",
    "IntegrityError",
    "InvalidBundleError",
    "InvalidGoldenCaseError",
    "InvalidGraphError",
    "InvalidInputError",
    "InvalidInputsError",
    "InvalidKeyError",
    "InvalidModelError",
    "InvalidOptionError",
    "InvalidPackageError",
    "InvalidReportError",
    "InvalidWaiverError",
    "LimitExceededError",
    "ModelFailedError",
    "NotAModelError",
    "OverloadedError",
    "PolicyError",
    "ReferenceChangedError",
    "ReferenceEngineError",
    "ReferenceEvaluationError",
    "ReferenceMissingError",
    "Refusal",
    "RefusedError",
    "RefusedModelError",
    "RequestRefusedError",
    "RuntimeFaultError",
    "SignatureError",
    "SourceChangedError",
    "SourceError",
    "TransparencyLogError",
    "TrustError",
    "UnexpectedModelError",
    "UnknownOutputError",
    "UnsafePathError",
    "UnsignedCodeError",
    "UnsupportedOperatorsError",
    "UnsupportedVersionError",
    "UsageError",
    "UserCodeError",
    "WriteError",
]
