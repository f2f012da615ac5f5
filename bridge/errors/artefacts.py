"""Files beside models: results, golden cases, reports, waivers, packages."""

from __future__ import annotations

from bridge.errors.root import BridgeError


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
