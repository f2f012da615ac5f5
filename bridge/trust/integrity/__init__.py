"""Library integrity: whether the libraries that will run are those that were installed, and those that somebody signed for.

record, installation     what an installed distribution says of its files
file_hashing             what the files are
findings, comparison     where the two differ
lock                     what somebody signed, since a RECORD can be rewritten together with the file
checking                 all of it at once, for `bridge doctor --integrity` and for the runtime
"""
