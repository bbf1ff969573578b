#!/usr/bin/env python3
"""Draw ROC curves of runs and of performance files, with their ratio to a reference."""

from TauAdv.cli import script

main = script("plot-roc")

if __name__ == "__main__":
    main()
