#!/usr/bin/env python3
"""Draw the validation page of simulated tuples: classes against each other, nominal against shifted, sanity figures."""

from TauAdv.cli import script

main = script("validate")

if __name__ == "__main__":
    main()
