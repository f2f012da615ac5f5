"""The server's runtime behind Ray Serve: replicas on one machine or many, each of which verifies what it serves.

configuration                the file of ``bridge serve``, and what of it holds in a fleet
plan                         what every replica is told: that configuration, and the digests that it has to find
pinning                      packages -> the digests that a deployment is fixed to
hosting                      a plan -> models that answer, on one machine; refuses what the plan does not name
http_application             the protocol's HTTP paths as an ASGI application
grpc_calls                   the protocol's calls behind Ray's gRPC proxy
health                       whether the models of a replica still answer
replica                      all of that as one actor of Ray Serve
application                  ``build``, which a configuration of Ray Serve names as its import path
deployment_document          the same as a configuration of Ray Serve, with every digest in it
deployment_document          the same as a configuration of Ray Serve, with every digest in it
one_machine                  a fleet from this machine, from start to stopped

Ray hands over what it moves between processes as pickles. Of a package nothing is among that: paths, digests and settings alone.
"""
