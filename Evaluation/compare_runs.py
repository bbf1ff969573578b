#!/usr/bin/env python3
"""Compare runs before and after adaptation: table, JSON, closure plots and ROC curves, all from the same taus."""

from TauAdv.cli import script

main = script("compare")

if __name__ == "__main__":
    main()
