"""Mixing of data and simulation."""
