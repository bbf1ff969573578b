"""Plots of jets by flavour."""
