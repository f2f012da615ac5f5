"""An alert by a program of the user's: it is started without a shell, and reads the incident as JSON from standard input."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import Incident


@dataclass(frozen=True, slots=True)
class Command:
    """``arguments`` begins with the program; it is killed, and whatever it started with it, after ``timeout_seconds``."""

    arguments: tuple[str, ...]
    timeout_seconds: float = 5.0

    def __post_init__(self) -> None:
        if not self.arguments or not self.arguments[0]:
            raise InvalidOptionError("an alert's command is empty: expected the program, then its arguments")

    def __str__(self) -> str:
        # The arguments may hold a password.
        return f"command {ascii(self.arguments[0])[1:-1]}"

    def send(self, incident: Incident) -> None:
        """Run the program. Raises ``AlertFailedError`` if it cannot be started, fails, or takes too long."""
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own program, from the policy
                self.arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Its own process group, so that children can be killed with it.
            )
        except (OSError, ValueError) as error:
            raise AlertFailedError(f"{self}: {getattr(error, 'strerror', None) or error}") from error
        with process:
            try:
                process.communicate(incident.to_line().encode() + b"\n", timeout=self.timeout_seconds)
            except subprocess.TimeoutExpired as error:
                raise AlertFailedError(f"{self}: did not end within {self.timeout_seconds:g} s") from error
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            raise AlertFailedError(f"{self}: ended with status {process.returncode}")
