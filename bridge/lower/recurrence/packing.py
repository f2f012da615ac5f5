from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.loop import Loop
def lower_as_cell(ctx: Lowering, loop: Loop) -> bool:
    return False
