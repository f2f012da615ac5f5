"""What operators see: never what is in a request.

metrics              counters and histograms for Prometheus
guard_metrics        the same for input guards
logs                 one line of JSON for each request, written by a thread of its own
tracing              spans of OpenTelemetry, where it is installed and asked for
status               models, signers, latencies and refusals, as data
status_page          the same for people
"""
