"""TLS 1.3 or nothing, of a library that lets a server say nothing about versions.

gRPC takes a list of ciphers for TLS 1.2 and below, and has those of 1.3 beside it. A list of one cipher that needs a key shared
beforehand, which nobody has, leaves 1.3 alone. That is no interface that anybody promised to keep, so that every port is asked
whether it holds before it serves.
"""

from __future__ import annotations

import os
import socket
import ssl
from typing import Final

from bridge.errors import InvalidOptionError

_VARIABLE: Final = "GRPC_SSL_CIPHER_SUITES"
_NOBODYS: Final = "ECDHE-PSK-CHACHA20-POLY1305"
_SECONDS: Final = 5.0


def ask_for_tls_1_3() -> None:
    """Tell the library, before it is loaded in this process."""
    os.environ.setdefault(_VARIABLE, _NOBODYS)


def refuse_older(host: str, port: int) -> None:
    """Raise ``InvalidOptionError`` if TLS 1.2 is spoken at the port, which is this process's own. Blocks for the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # Only the version is of interest, and the port is our own.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((host, port), _SECONDS) as connection, context.wrap_socket(connection):
            pass
    except OSError:  # So are ssl's own errors: the handshake failed, as it has to.
        return
    raise InvalidOptionError(
        f"gRPC takes TLS 1.2 at port {port}: it was loaded before this module, or {_VARIABLE} is set; unset it, or leave out gRPC"
    )
