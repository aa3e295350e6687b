"""The mind: maps, stitching rules and the fold. Pure: no clock, dice, network or logger."""
