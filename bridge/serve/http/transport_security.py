"""TLS 1.3, and client certificates where they are asked for."""

from __future__ import annotations

import ssl

from bridge.errors import InvalidOptionError
from bridge.serve.settings import TlsSettings


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a listening port. Raises ``InvalidOptionError`` for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # Nothing is resumed: each connection shows its certificate anew.
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
        if settings.client_roots is not None:
            context.load_verify_locations(settings.client_roots)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise InvalidOptionError(f"the certificate or key for TLS cannot be used: {error}") from error
    return context


def _no_password() -> str:
    # Without this a key under a password would make the process wait at a terminal.
    return ""
