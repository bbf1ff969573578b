#!/usr/bin/env python3
"""Apply the model of a run to a set of shards and write its prediction table into the run."""

from TauAdv.cli import script

main = script("apply")

if __name__ == "__main__":
    main()
