"""What a run says of itself: the advice of its windows, what its map shows beside that, and both in words."""
