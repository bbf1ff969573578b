#!/usr/bin/env python3
"""Train a tagger of jets (b, c, light): nominal, against attacks on its inputs, or alike in two detectors."""

from TauAdv.cli import script

main = script("train jets")

if __name__ == "__main__":
    main()
