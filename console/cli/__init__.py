"""The commands, a file for each group; what they do is in the modules beside this folder."""
