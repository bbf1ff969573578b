#!/usr/bin/env python3
"""Make the pT weights of the mixed files, with closure plots (docs/production.md)."""

from TauAdv.cli import script

main = script("pt-weights")

if __name__ == "__main__":
    main()
