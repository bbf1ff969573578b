#!/usr/bin/env python3
"""Train a classifier of tau candidates."""

from TauAdv.cli import script

main = script("train classifier")

if __name__ == "__main__":
    main()
