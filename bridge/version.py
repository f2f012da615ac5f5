"""The version, once: packaging, ``bridge --version`` and the metadata of every converted file read it here."""

__version__ = "0.1.0"
