"""Spans of OpenTelemetry. Where they go is the matter of its SDK and its environment variables; here they are only made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from bridge.errors import InvalidOptionError
from bridge.version import __version__


class Span(Protocol):
    """What is told of a request."""

    def fact(self, key: str, value: str | float) -> None:
        """Set an attribute."""
        ...


class _NoSpan:
    def fact(self, key: str, value: str | float) -> None:
        """Tell nobody."""


_NO_SPAN: Final = _NoSpan()


class Tracer(Protocol):
    """Begins a span for each request."""

    def span(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """A span called ``name``, beneath the one that ``headers`` name by W3C's ``traceparent``."""
        ...


class NoTracer:
    """Where nobody asked for traces."""

    def span(self, _name: str, _headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """Nothing."""
        return nullcontext(_NO_SPAN)


class OpenTelemetryTracer:
    """Spans by the provider that is configured in this process."""

    def __init__(self) -> None:
        try:
            from opentelemetry import propagate, trace
        except ImportError as error:
            raise InvalidOptionError("traces need the package opentelemetry-api, and its SDK to go anywhere") from error
        self._tracer: Final = trace.get_tracer("cntk-bridge", __version__)
        self._kind: Final = trace.SpanKind.SERVER
        self._extract: Final = propagate.extract

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """See :class:`Tracer`. An error that leaves the span is recorded by its type; its text may hold what a client sent."""
        context = self._extract(dict(headers))
        with self._tracer.start_as_current_span(
            name, context, kind=self._kind, record_exception=False, set_status_on_exception=False
        ) as span:
            holder = _Recorded(span)
            try:
                yield holder
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise


class _Recorded:
    def __init__(self, span: object) -> None:
        self._span = span

    def fact(self, key: str, value: str | float) -> None:
        """Set an attribute."""
        self._span.set_attribute(key, value)  # type: ignore[attr-defined]
