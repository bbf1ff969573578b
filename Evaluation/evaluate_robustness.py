#!/usr/bin/env python3
"""Evaluate taggers of jets or taus on a test set, as it is and under attacks: tables, plots and one HTML page."""

from TauAdv.cli import script

main = script("robustness")

if __name__ == "__main__":
    main()
