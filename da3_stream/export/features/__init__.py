"""What a network sees: the features of its layers as colours."""
