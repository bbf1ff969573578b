#!/usr/bin/env python3
"""Prepare extracted jets for training: clean, weight, scale and split them into sets of shards (docs/jets.md)."""

from TauAdv.cli import script

main = script("jets prepare")

if __name__ == "__main__":
    main()
