"""The protocol over gRPC.

messages             its messages, from descriptors of our own
tensors              tensors in messages <-> numpy
service              its six calls
port                 the listening port, with its limits
"""
