"""The server: Open Inference Protocol v2 over HTTP and gRPC, in front of models that were verified and admitted.

settings, configuration      how it is run; the same from a YAML file
protocol                     requests and answers of the protocol, whatever carries them
http, grpc                   the two carriers, with their limits
clients                      who asks, and how often they may
models                       queues, batches, and the threads in which models run
observing                    metrics, logs, traces, the status page
refusals                     why a request is not answered, and how that is said
server                       all of it together, from start to drained
"""
