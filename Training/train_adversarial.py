#!/usr/bin/env python3
"""Fine-tune a classifier adversarially, so that it treats data and simulation alike."""

from TauAdv.cli import script

main = script("train adversarial")

if __name__ == "__main__":
    main()
