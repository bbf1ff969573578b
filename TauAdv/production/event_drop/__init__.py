"""EventDrop: taus are dropped so that spectra follow a target."""
