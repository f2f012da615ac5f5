"""Whether a model, converted or not yet, computes what its golden cases recorded.

check                    one model, on the cases that were recorded from it
check_recorded           every case of a folder, on its own model
check_converted[_torch]  what was converted just now
"""

from bridge.checking.models import check, check_converted, check_converted_torch
from bridge.checking.options import CheckOptions
from bridge.checking.recorded import check_recorded

__all__ = ["CheckOptions", "check", "check_converted", "check_converted_torch", "check_recorded"]
