"""The PyTorch target: a lowered graph as readable source and safetensors."""
