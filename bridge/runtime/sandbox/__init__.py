"""What keeps a process that runs a model from everything but computing: Landlock, seccomp, namespaces, limits, no privileges."""
