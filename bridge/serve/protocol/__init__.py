"""The Open Inference Protocol, version 2: its data types, requests, answers and descriptions of models.

datatypes            names of element types <-> numpy
request, response    what is asked and what is answered, as data
json_text            JSON from strangers, fast and yet strict
number_lists         the tensors in it, cut out and read for themselves
json_request         a body of JSON, with binary tensors behind it or without -> a request
json_response        an answer -> a body
description          what is told about a model and about the server
openapi              the same interface as a machine reads it
"""
