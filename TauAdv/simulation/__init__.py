"""Real physics on a fresh machine: Pythia 8 events, a parametrised detector, tau candidates in ROOT tuples.

Generator events (:mod:`generator`, :mod:`truth`, cached by :mod:`cache`) pass through :mod:`detector` and :mod:`pileup`;
:mod:`reconstruction` finds tau candidates, :mod:`tuples` writes them.
"""
