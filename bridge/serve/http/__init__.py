"""HTTP/1.1 with limits on everything that a client decides: sizes, times, counts.

messages             a request and an answer
connection           one connection, as a state machine over llhttp
connections          all of them: how many, how long, how much memory
inflating            bodies that were compressed, with a bound on what comes out
tls_listener         handshakes, bounded before a connection is anybody's
transport_security   TLS 1.3 and client certificates
inference_routes     the paths of the protocol
admin_routes         metrics and the status page, on a port of their own
"""
