"""Formats of tau tuples, one file each, chosen by the content of a file or its suffix (``registry``)."""
