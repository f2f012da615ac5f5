"""Trust: digests, keys, envelopes, statements and signatures. Nothing here reads a model; it says whose bytes they are."""
