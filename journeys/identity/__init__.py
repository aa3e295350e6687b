"""Whose touchpoint is it? Normalisation and the decision, pure."""
