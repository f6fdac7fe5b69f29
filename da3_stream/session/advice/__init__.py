"""What a run says of itself: the advice of its windows, and what its map shows beside that."""
