"""Skim: selection of taus and branches."""
