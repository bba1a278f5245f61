"""What can happen on a grid, one mechanism a file; a world is a ground and a list of them."""
