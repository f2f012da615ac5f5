"""The loader: a package is verified, admitted, and only then handed to onnxruntime.

limits               every bound, with its unit in its name
admission            what a model may hold, checked on its bytes before the engine sees them
contract             inputs and outputs held against the signed interface
served, in_process   what every served model offers; the one that runs in this process
deadlines            the thread that ends runs which take too long
loading              a package -> a served model
"""
