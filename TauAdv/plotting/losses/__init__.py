"""Plots of losses."""
