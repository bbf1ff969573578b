"""The dozen names of ``import TauAdv as ta``: each a short way to what the folders of the library do (docs/python.md).

Nothing is computed here. The names are imported in ``TauAdv/__init__.py`` when they are used first.
"""
