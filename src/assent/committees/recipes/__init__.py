"""Ways to make members, one a file: each is `recipe(key, model, data, n, ...) -> Committee`."""
