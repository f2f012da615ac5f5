"""A key or a certificate -> a client. Keys are kept as digests alone: whoever reads the configuration cannot ask with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from bridge.errors import RequestRefusedError
from bridge.serve.clients.quotas import TokenBucket
from bridge.serve.settings import ClientSettings

KEY_CHARACTERS_AT_MOST: Final = 256
_PREFIX: Final = "bridge-"


def new_key() -> tuple[str, str]:
    """A new key and its SHA-256 in hexadecimal. The key has 256 random bits, so that no slow hash is needed to guard it."""
    key = _PREFIX + secrets.token_urlsafe(32)
    return key, digest_of(key)


def digest_of(key: str) -> str:
    """What is kept of ``key``."""
    return hashlib.sha256(key.encode()).hexdigest()


class Client:
    """Somebody who may ask, with what is left of the quota."""

    def __init__(self, settings: ClientSettings) -> None:
        self.name: Final = settings.name
        self._models: Final = settings.models
        rate = settings.requests_per_second
        self._bucket: Final = TokenBucket(rate, settings.burst) if rate is not None else None

    def admit(self, model: str) -> None:
        """Count one request to ``model``. Raises ``RequestRefusedError`` where it is not for this client, or beyond the quota."""
        self.allow(model)
        if self._bucket is not None:
            self._bucket.take(time.monotonic())

    def allow(self, model: str) -> None:
        """Raise ``RequestRefusedError`` where ``model`` is not for this client."""
        if self._models is not None and model not in self._models:
            raise RequestRefusedError("forbidden", f"the client {self.name!r} may not ask the model {ascii(model)[:200]}")


ANYBODY: Final = Client(ClientSettings("anybody"))


class Clients:
    """Everybody who may ask. Without any settings that is whoever can connect."""

    def __init__(self, settings: Sequence[ClientSettings]) -> None:
        self._by_key: Final[list[tuple[bytes, Client]]] = []
        self._by_certificate: Final[dict[str, Client]] = {}
        self.open: Final = not settings
        for entry in settings:
            client = Client(entry)
            if entry.key_sha256:
                self._by_key.append((bytes.fromhex(entry.key_sha256), client))
            if entry.certificate_name:
                self._by_certificate[entry.certificate_name] = client

    def identify(self, authorization: str | None, certificate_names: Sequence[str] = ()) -> Client:
        """Who sent the header ``authorization``, or showed a certificate of these names. Raises ``RequestRefusedError``."""
        if self.open:
            return ANYBODY
        for name in certificate_names:
            if name in self._by_certificate:
                return self._by_certificate[name]
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(key) <= KEY_CHARACTERS_AT_MOST:
            raise RequestRefusedError("unauthenticated", "expected a key, as in Authorization: Bearer KEY")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, client in self._by_key:  # All of them, so that the time tells nothing.
            if hmac.compare_digest(known, digest):
                found = client
        if found is None:
            raise RequestRefusedError("unauthenticated", "the key is not one of this server's clients")
        return found


def certificate_names(certificate: dict[str, Any] | None) -> list[str]:
    """The names in a verified certificate, as ``ssl.SSLSocket.getpeercert`` has it."""
    if not certificate:
        return []
    alternative = [str(value) for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "URI", "email"}]
    common = [str(value) for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    return names_that_count(alternative, common)


def names_that_count(alternative: Sequence[str], common: Sequence[str]) -> list[str]:
    """The alternative names, or common ones where there are no others: who checks the former may let pass any of the latter."""
    return list(alternative) or list(common)
