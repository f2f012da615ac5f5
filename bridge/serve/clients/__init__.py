"""Who asks, and how often they may.

identity             a key or a certificate -> a client
quotas               a bucket of requests for each client
"""
