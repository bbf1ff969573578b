#!/usr/bin/env python3
"""Measure data over simulation scale factors of working points in a control region."""

from TauAdv.cli import script

main = script("scale-factors")

if __name__ == "__main__":
    main()
