"""The attacks, one in each file. Those that need gradients take torch tensors, those that need scores alone numpy arrays."""
