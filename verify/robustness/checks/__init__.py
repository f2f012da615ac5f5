"""Signs that a model hides its gradients instead of being robust (Athalye, Carlini and Wagner 2018; Croce and Hein's flags)."""
