#!/usr/bin/env python3
"""Make a set of shards, the input of training and evaluation, from tuples (docs/shards.md)."""

from TauAdv.cli import script

main = script("shards")

if __name__ == "__main__":
    main()
