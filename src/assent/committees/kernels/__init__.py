"""Kernels of tangent spaces, feature spaces, and what a Gaussian prior over them knows after data."""
