"""The transparency log: an append-only Merkle tree of statement hashes, stored as C2SP tiles under signed checkpoints.

hashing, tree, verification    RFC 9162: the tree, its proofs, and how they are checked
tile, entry_bundle             what is stored, and under which names
note, note_keys, checkpoint, cosignature, proof_file      the signed texts
storage, folder_storage, sqlite_storage, disk             where it is stored, and that a crash leaves a sound log
log, statements                what is appended and proved
audit                          what is checked, by whoever does not trust the log
"""
