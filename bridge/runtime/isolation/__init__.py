"""Models in processes of their own: a fork server, workers in a sandbox, tensors in shared memory, deadlines that hold."""
