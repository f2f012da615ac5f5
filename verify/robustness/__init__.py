"""How far a model can be misled by inputs that were changed a little on purpose, and how far that answer can be trusted."""
