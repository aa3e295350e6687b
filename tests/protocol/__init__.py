"""The protocol as a model: every interleaving of small worlds with a few faults, searched."""
