"""No production step writes over its input."""

import numpy as np
import pytest
from specification_region import REGION

from TauAdv.errors import InputError
from TauAdv.production.event_drop import EventDropSettings, drop_events
from TauAdv.production.mixing import mix_events
from TauAdv.production.mixing_settings import MixingSettings
from TauAdv.production.pt_weights import make_pt_weights
from TauAdv.production.pt_weights_settings import PtWeightsSettings
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets


@pytest.mark.parametrize("step", ["drop", "drop_target", "mix", "weights", "spectra", "targets"])
def test_output_that_is_an_input(step, make_tuple, make_targets_file, tmp_path):
    taus, target = make_tuple("taus.root"), make_targets_file(mt__EMB=np.ones(17))
    before = taus.read_bytes(), target.read_bytes()
    drop = EventDropSettings(target_histogram="mt/EMB")
    mix = MixingSettings(
        contributions=[{"name": "a", "files": "taus.root", "dataset_id": 0, "per_batch": 1}],
        outputs={"all": {"file": "./taus.root", "batches": 1}},
    )
    steps = {
        "drop": lambda: drop_events(taus, target, taus, drop, overwrite=True),
        "drop_target": lambda: drop_events(taus, target, target, drop, overwrite=True),
        "mix": lambda: mix_events(mix, tmp_path, tmp_path, overwrite=True),
        "weights": lambda: make_pt_weights(taus, taus, PtWeightsSettings(control_region=REGION), overwrite=True),
        "spectra": lambda: make_eta_pt_spectra(taus, taus, EtaPtSettings(tau_type="mytauType"), overwrite=True),
        "targets": lambda: make_targets({"mt/EMB": taus}, taus, TargetSettings(), overwrite=True),
    }
    with pytest.raises(InputError, match="is also an input"):
        steps[step]()
    assert (taus.read_bytes(), target.read_bytes()) == before
