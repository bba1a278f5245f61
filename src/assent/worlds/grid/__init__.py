"""Grid levels: data, tables and engines."""
