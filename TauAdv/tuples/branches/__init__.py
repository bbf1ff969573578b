"""Branches: their types, in one file and over all, and which of them can be written."""
