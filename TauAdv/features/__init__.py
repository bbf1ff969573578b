"""The feature table of a tagger, and the sparse, scaled features that it makes of tau tuples."""
