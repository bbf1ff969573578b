#!/usr/bin/env python3
"""Keep the taus that pass a selection, and the branches asked for (docs/tuples.md)."""

from TauAdv.cli import script

main = script("skim")

if __name__ == "__main__":
    main()
