"""The loader: a package is verified, admitted, and only then handed to onnxruntime.

limits                     every bound, with its unit in its name
opening                    a package -> verified bytes, interface, admitted model
admission                  what a model may hold, checked on its bytes before the engine sees them
contract                   inputs and outputs held against the signed interface
engine                     admitted bytes -> a session of onnxruntime
served, in_process         what every served model offers; the one that runs in this process
slots, deadlines           how many calls run at once, and the thread that ends those which take too long
loading                    all of that: ``bridge.load``
features                   a network cut off before its last layer
guards                     what stands between a request and the model
reconversion               the graph that the signed source gives when it is converted again
isolation, sandbox         models in processes of their own, and what those may do
explaining                 what a policy finds in a package and on this machine, without any effect
"""
