"""The Jet Flavor dataset (D. Guest et al., arXiv:1607.08633): JSON lines of any size become columns of jets and tracks.

:mod:`schema` names the columns, :mod:`lines` streams the file, :mod:`parsing` reads lines, :mod:`columns` orders the tracks,
:mod:`extract` does it all and writes parts that :mod:`parts` reads.
"""
