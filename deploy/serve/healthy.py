# ruff: noqa: INP001 - a script, which the image runs by its path.
"""Ends with 0 where the server in this container is ready; its status page says so, on a port that only this container reaches.

``BRIDGE_STATUS`` names another address than the default one, for a configuration with another ``admin_port``.
"""

import json
import os
import sys
from urllib.request import urlopen

address = os.environ.get("BRIDGE_STATUS", "http://127.0.0.1:8002/status.json")
try:
    with urlopen(address, timeout=4) as answer:  # noqa: S310 - whoever starts the container names it.
        ready = json.load(answer)["ready"]
except (OSError, ValueError, KeyError):
    ready = False
sys.exit(0 if ready is True else 1)
