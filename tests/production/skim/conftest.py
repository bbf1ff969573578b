"""A tuple to skim, and where its skim goes."""

import numpy as np
import pytest


@pytest.fixture
def matched(make_tuple):
    """A tuple with everything that the generator match needs; every second tau is a jet, the others taus."""
    entries = 200
    is_tau = np.arange(entries) % 2 == 0
    eta = np.linspace(-2.5, 2.5, entries, dtype=np.float32)
    return make_tuple(
        "raw.root",
        entries,
        mytauType=None,
        tau_eta=eta,
        tau_phi=np.zeros(entries, np.float32),
        tau_decayMode=np.resize(np.array([0, 1, 10, 5], np.int32), entries),
        genLepton_index=np.where(is_tau, 0, -1).astype(np.int32),
        genLepton_kind=np.full(entries, 5, np.int32),
        genLepton_vis_pt=np.full(entries, 40, np.float32),
        genLepton_vis_eta=eta,
        genLepton_vis_phi=np.zeros(entries, np.float32),
        genJet_index=np.zeros(entries, np.int32),
    )


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "skimmed.root"
