"""Plots of a study of robustness."""
