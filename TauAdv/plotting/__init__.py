"""Plots of what the evaluation computed. They take histograms and numbers, never files or models, and return figures."""
