"""Telling the service manager how far the server is, by the protocol of systemd's ``sd_notify``.

Whoever starts a program with ``NOTIFY_SOCKET`` in its environment wants to be told when it is ready, and not before.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"

_ADDRESS: Final = "NOTIFY_SOCKET"


def tell_service_manager(state: str) -> None:
    """Send ``state`` to the socket that the environment names; nothing where it names none, or nobody listens there."""
    address = os.environ.get(_ADDRESS, "")
    if not address.startswith(("/", "@")):
        return
    # A name that begins with @ stands for one in the kernel's own space of names, where there is no file.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as carrier:
        carrier.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
