"""Plots of a comparison of runs: closure by score and by bin, its uncertainties, and what adaptation cost."""
