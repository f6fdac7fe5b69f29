"""Options that only pass a value on, as tables, and what the shell completes."""
