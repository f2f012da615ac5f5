"""What a converted model may hold, checked on its bytes before onnxruntime sees them.

wire, schema, message     protobuf, read strictly: every field known, none twice, nothing left over
model, reading            the ONNX model as data of ours, tensors as views into the verified bytes
extents                   shapes and small integers, as far as they follow from what the file states
checks                    one rule per file
registry                  all rules, in the order in which they are applied
attack_classes            which rules answer which class of attack
admitting                 ``admit``: bytes -> ``AdmittedModel``, or ``RefusedModelError``
reconversion              the same graph as the signed source gives when it is converted again
"""
