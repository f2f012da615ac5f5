"""The attacks, one in each file. Those that need gradients work on torch tensors, those that need scores alone on numpy arrays."""
