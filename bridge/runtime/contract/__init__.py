"""What goes into a model and what comes out of it, held against the signed interface.

finiteness   whether all of an array is finite, at the speed of memory
binding      the extents of the symbols in one call
inputs       what a caller gives
outputs      what the engine answers
"""
