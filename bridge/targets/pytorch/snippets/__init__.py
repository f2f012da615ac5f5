"""What generated files hold copies of where they need it.

Importing the modules here takes torch.
"""
