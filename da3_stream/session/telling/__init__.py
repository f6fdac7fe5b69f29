"""What is told of a run while it goes on, and the log that stays."""
