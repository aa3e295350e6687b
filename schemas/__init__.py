"""The wire: every record that crosses a process border, and nothing that acts on one."""
