#!/usr/bin/env python3
"""Simulate tau tuples: Pythia 8 events, a parametrised detector, one ROOT file per process and one of pseudo-data."""

from TauAdv.cli import script

main = script("generate")

if __name__ == "__main__":
    main()
