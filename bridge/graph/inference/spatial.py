"""Types of convolution, pooling and their relatives."""
