"""What changes a model to make it harder to mislead, and what that is worth.

samples              the user's data, split into training, validation and test
parent, torch_parent the package that is hardened, verified: ONNX or PyTorch
network, parent_network    what is trained: of a graph, or of a module alone (module_network, exporting)
twin, correspondence a graph as a PyTorch module, and its trained weights back in the graph
perturbation, objectives, training     adversarial training: PGD-AT, TRADES, fast; noise; distillation
evaluation           accuracy, clean and under attack, per class
ensemble             several trained models as one graph
smoothing            randomised smoothing: certificates on the served model
statement, writing   the new package, whose provenance names its parent
hardening            all of it in order
"""
