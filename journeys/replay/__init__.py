"""Lives run again: map tests, simulation and backtests on a virtual clock."""
