"""Several trainings as one: all combinations of the values of some settings."""
