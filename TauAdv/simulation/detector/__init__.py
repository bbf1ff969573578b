"""The parametrised detector: tracks, calorimeter, pile-up."""
