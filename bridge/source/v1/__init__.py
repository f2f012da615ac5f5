"""The v1 format ("BCN"): the binary of ``cntk.exe`` and BrainScript, versions 1 to 31.

``document`` reads what a file says, node by node (``raw``), from tables of what each operator stores (``layouts``); ``mapping``
says the same in the vocabulary of CNTK 2.
"""

from bridge.source.v1.reader import read_v1

__all__ = ["read_v1"]
