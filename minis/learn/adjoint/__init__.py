"""The adjoint lab: the matrix of a linear operation, and its backward's, side by side."""
