#!/usr/bin/env python3
"""Drop taus until their pt spectrum has the shape of a target histogram (docs/production.md)."""

from TauAdv.cli import script

main = script("drop")

if __name__ == "__main__":
    main()
