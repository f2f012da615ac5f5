"""The bytes of a model file are."""

from __future__ import annotations

from bridge.errors.root import BridgeError


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
