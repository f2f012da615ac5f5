"""Golden cases: inputs that a user gave or that are generated, evaluated by the real CNTK, written down.

model_inputs    what the model takes, as our own reader sees it
families        generated inputs: normal, zeros, ones, extremes, denormals, one-hot, several batch sizes, ragged lengths
arrays_file     inputs from .npz and .npy files
ctf             inputs from CNTK's own text format
case_folder     case.json, tensors.npz and the model, as a folder that appears whole
record          one model -> its cases
"""
