"""Studies: each puts one claim to the test on a grid, and ends in a verdict with figures."""
