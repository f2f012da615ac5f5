"""The v2 format: a protobuf ``Dictionary``, written by the Python, C++ and C# interfaces of CNTK 2.0 beta to 2.7."""

from bridge.source.v2.reader import read_v2

__all__ = ["read_v2"]
