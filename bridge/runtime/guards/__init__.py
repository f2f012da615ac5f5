"""Input guards: what stands between a request and the model, as policy of whoever serves it.

None of these is a defence against an adversary who knows of it; ``docs/guards.md`` has the rates that were measured, adaptive
attacks included. Each is called what it is: a guard refuses, a sanitiser changes what passes and says so.

guard                   what guard and sanitiser have in common
interface, envelope, distribution      guards: the interface's ranges, statistics per channel, nearest neighbours
bit_depth, jpeg         sanitisers: fewer levels, lossy compression
reference_bank          the samples that the distribution guard knows, as a file
configuration           a file of guards with its bank -> guards in order, for a model
required                the policy's rule that asks for guards
pipeline, tally         guards in order, and what they did
guarded                 a served model behind them
fitting                 clean samples -> range, envelope and bank at a stated rate of false alarm
samples, learning       a package and a file of samples -> fitted guards, and how often they are wrong
writing                 those as a folder

``bridge.runtime.loading`` puts guards before a model; ``bridge.runtime.features`` cuts off what the distribution guard looks at.
"""
