"""From an output that differs to the first operator that differs.

bisect_case         a converted model, a case, the reference's values -> the report's bisection
wanted_variables    the variables whose values it can use
RecordedValues      values that a case recorded
FreshConversion     values of another conversion, where CNTK is not at hand; FirstOf asks several sources
"""

from verify.equivalence.bisection.bisecting import bisect_case, wanted_variables
from verify.equivalence.bisection.fresh_conversion import FreshConversion
from verify.equivalence.bisection.reference_values import FirstOf, RecordedValues, ReferenceValues

__all__ = ["FirstOf", "FreshConversion", "RecordedValues", "ReferenceValues", "bisect_case", "wanted_variables"]
