"""The camera path: trajectory files, files for maps, and the overview image."""
