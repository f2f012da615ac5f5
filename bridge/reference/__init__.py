"""The real CNTK 2.7, in a process of its own: installed from pinned hashes, asked what a model computes.

lock            which wheels, by SHA-256, and which libraries of the system
interpreter     a Python 3.6, found and asked
wheels          wheels fetched, and checked before anything reads them
installation    the environment: built beside, renamed when it is whole
integrity       what of it is not as the wheels had it
engine          ReferenceEngine: inputs and a model go in, values of any variable come out
isolation       what the process may reach, with bubblewrap or without
recording       golden cases: inputs given or generated, evaluated, written down
cntk_side       what runs inside Python 3.6
"""
