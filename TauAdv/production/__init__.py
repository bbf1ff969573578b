"""Functions from tuples to tuples: skim, event drop, spectra, pt weights, mixing."""
