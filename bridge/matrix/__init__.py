"""The edge to Matrix: the only place that imports nio or speaks HTTP to a homeserver."""
