"""Input guards: what stands between a request and the model, as policy of whoever serves it.

None of these is a defence against an adversary who knows of it; ``docs/guards.md`` has the rates that were measured, adaptive
attacks included. Each is called what it is: a guard refuses, a sanitiser changes what passes and says so.

guard                   what guard and sanitiser have in common
interface, envelope, distribution      guards: the interface's ranges, statistics per channel, nearest neighbours
bit_depth, jpeg         sanitisers: fewer levels, lossy compression
reference_bank          the samples that the distribution guard knows, as a file
features                a model -> what it computes before its last layer
fitting                 clean samples -> envelope and bank at a stated rate of false alarm
configuration           a section of JSON or YAML -> guards in order
pipeline, guarded       guards in order; a served model behind them
loading                 a package -> a served model behind guards
"""
