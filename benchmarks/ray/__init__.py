"""What it takes, and what it withstands, to predict on a cluster of Ray."""
