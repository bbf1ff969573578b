#!/usr/bin/env python3
"""Derive the working points of runs on genuine taus and write them into the runs."""

from TauAdv.cli import script

main = script("working-points")

if __name__ == "__main__":
    main()
