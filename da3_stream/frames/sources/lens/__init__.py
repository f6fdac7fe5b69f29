"""The camera of an input: what is known of its lens, and the pinhole's view that frames show."""
