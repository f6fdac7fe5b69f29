"""What runs of the bank are given: clean sequences, and what is done to them."""
