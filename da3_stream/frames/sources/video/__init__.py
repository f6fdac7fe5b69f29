"""Video files: containers, decoding, and their pictures."""
