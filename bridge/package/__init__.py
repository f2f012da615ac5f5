"""The signed package: a converted model with its interface, reports, bill of materials, signature and claims, in one folder.

contents, interface          what is in it, and how the model wants to be called
writing                      a conversion -> a package, whole or not at all
verification                 a package -> what was verified of it
"""
