"""From YAML text to compiled, immutable maps; every problem is data with a place."""
