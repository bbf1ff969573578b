#!/usr/bin/env python3
"""Measure AUC, ROC curves and working points of runs on labelled taus."""

from TauAdv.cli import script

main = script("performance")

if __name__ == "__main__":
    main()
