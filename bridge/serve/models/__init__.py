"""Models behind the protocol: what waits for them, what is answered together, and the threads in which they run.

job                  one request on its way through a model
merging              several requests as one call of the model, and its answer shared out again
guarding             input guards before requests are merged
queue                what waits, bounded, and which of it goes together
hosted               one model with its queue and threads
repository           all of them, by name and version
"""
