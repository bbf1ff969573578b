"""An adversarial set needs data that is labelled as data."""

import numpy as np
import pytest
from shard_tuples import DATA, JET, TAU, write_tuple

from TauAdv.errors import InputError
from TauAdv.shards.tau.writer import write_shards


def test_simulation_that_was_not_mixed_is_refused(adv_settings, tmp_path):
    source = write_tuple(tmp_path / "raw.root", [TAU, JET] * 20, dataset_id=np.zeros(40, np.uint64))
    with pytest.raises(InputError, match=r"40 taus have the dataset_id of data, but none has tauType 8: .*tauadv mix"):
        write_shards(source, tmp_path / "out", adv_settings)
    assert not (tmp_path / "out").exists()


def test_mixed_input_is_taken(adv_settings, tmp_path):
    source = write_tuple(tmp_path / "mixed.root", [TAU, DATA] * 20)
    manifest = write_shards(source, tmp_path / "out", adv_settings)
    assert manifest["counts"]["by_group"] == {"data": 20, "MC": 20}
