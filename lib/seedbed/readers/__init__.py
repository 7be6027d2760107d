"""Reading of data sets that several families use: the windows they hand on, text, a cache of arrays."""
