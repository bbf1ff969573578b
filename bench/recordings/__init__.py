"""The recordings of bench/regression.py: short trainings, predictions, exports and reports, and how two of them compare."""
