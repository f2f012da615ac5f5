"""The protocol over gRPC.

messages             its messages, from descriptors of our own
tensors              tensors in messages <-> numpy
service              its six calls
port                 the listening port, with its limits
tls_version          TLS 1.3 or nothing

Importing this package sets a variable of the environment, which the library reads when it is loaded: see ``tls_version``.
"""

from bridge.serve.grpc.tls_version import ask_for_tls_1_3

ask_for_tls_1_3()
