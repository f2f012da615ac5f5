"""Where a model comes from: statements about its training, conversion and tests, and the chain that they make together.

training, conversion, source_verification, evaluation    facts -> Statement
claims                                                    claims.jsonl, one bundle per line
step, chain, chain_verification                           claims -> Chain, every link checked, offline
history                                                   the chain of a model or package as it lies on disk
terminal, page, cyclonedx                                 Chain -> a tree, an HTML page, a bill of materials

``docs/provenance.md`` specifies the statements.
"""
