#!/usr/bin/env python3
"""Make spectra of tuples: (|eta|, pt) of e, mu, tau, jet for the training weights, or pt targets of the event drop."""

from TauAdv.cli import script

main = script("spectra")

if __name__ == "__main__":
    main()
