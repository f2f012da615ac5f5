"""Randomised smoothing after Cohen, Rosenfeld and Kolter (2019): a majority vote under Gaussian noise, with a certified radius.

The certificate belongs to the vote, not to the network that is asked for it: the network alone stays as easily misled as it was.
"""
