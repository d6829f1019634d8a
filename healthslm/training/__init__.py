"""Makes what is learned: weights go from here into the package. Only the tests import it; needs `[train]`."""
