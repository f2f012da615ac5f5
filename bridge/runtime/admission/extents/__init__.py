"""What a model makes of the smallest inputs that its interface admits: shapes, and the integers that shapes are computed from.

Nothing here runs the model. It answers how much a node makes at least, so that a file that asks for terabytes is refused before
it is loaded. What depends on the values of inputs is not known here; the memory limit of an isolated worker is for that.
"""
