"""What of this machine works, what does not, and what to do about it.

finding                       one fact
packages, runtimes            Python, libraries, what models can be run on
reference_engine, key_tokens  the real CNTK; keys in hardware
sandbox                       what the kernel offers to keep a process apart
diagnose                      all of it
"""
