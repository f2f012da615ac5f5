"""What has to hold before a model is used: who may sign what, which statements have to be there, what is too old or revoked.

``rules.py`` lists the rules, ``document.py`` reads the file that a policy is written in, ``evaluation.py`` applies it.
``docs/policy.md`` is for those who write one.
"""
