"""What a converted model may hold, checked on its bytes before onnxruntime sees them.

wire, schema, message     protobuf, read strictly: every field known, none twice, nothing left over
model, reading            the ONNX model as data of ours, tensors as views into the verified bytes
extents                   shapes and small integers, as far as they follow from what the file states
calls_table               how each admitted operator is called
checks                    one rule per file
registry                  all rules, in the order in which they are applied
admitting                 ``admit``: bytes -> ``AdmittedModel``, or ``RefusedModelError``
message_differences       where two models differ, field by field
"""
