"""Taggers: one object for each, with all that training and evaluation ask of it.

A tagger is one file here, or an object of another package (entry points of the group ``TauAdv.taggers``).
"""
