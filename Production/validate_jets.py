#!/usr/bin/env python3
"""Compare a file of jets with the published dataset: means, vertex rates, and the AUC of a quick tagger."""

from TauAdv.cli import script

main = script("jets validate")

if __name__ == "__main__":
    main()
