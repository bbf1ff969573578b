"""A transformer over the filled cells of a tau."""
