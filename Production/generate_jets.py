#!/usr/bin/env python3
"""Simulate b, c and light jets: Pythia 8 events, a parametrised detector, one .json.gz file as the Jet Flavor dataset's."""

from TauAdv.cli import script

main = script("jets generate")

if __name__ == "__main__":
    main()
