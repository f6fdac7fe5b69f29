"""Work in other processes, which may crash or hang without ending the run, and the order of windows among them."""
