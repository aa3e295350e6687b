"""How fast Wayline is, beside a bare loop and beside what one would write without it."""
