"""What a skim of ``matched`` (tests/production/skim) selects, by numpy."""

import numpy as np

from TauAdv.tuples.reader import read

CUT = "tau_pt > 50 && std::abs(tau_eta) < 2.3"


def expected_mask(path):
    taus = read(path)
    return taus, (np.asarray(taus["tau_pt"]) > 50) & (np.abs(np.asarray(taus["tau_eta"], np.float64)) < 2.3)
