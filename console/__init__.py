"""The window: the command line."""
