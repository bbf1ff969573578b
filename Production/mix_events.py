#!/usr/bin/env python3
"""Mix data and simulation into the control-region files for training and evaluation (docs/production.md)."""

from TauAdv.cli import script

main = script("mix")

if __name__ == "__main__":
    main()
