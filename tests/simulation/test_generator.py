import sys

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.simulation import generator
from TauAdv.simulation.columns import num_rows, take
from TauAdv.simulation.processes import COMMON, PROCESSES, pythia_settings

pytestmark = pytest.mark.slow

SETTINGS = pythia_settings("DYtautau")


def everything(record):
    return [record]


def test_batch_vertices_equal_scalar_access():
    access = generator.vertex_access(SETTINGS, seed=3)
    assert access in ("direct", "shifted")
    (batch,) = generator.generate(SETTINGS, 4, 3, everything, access)
    (scalar,) = generator.generate(SETTINGS, 4, 3, everything, "scalar")
    displaced = np.hypot(scalar["vx"], scalar["vy"]) > 0.01
    assert displaced.any()
    for name, values in scalar.items():
        np.testing.assert_array_equal(batch[name], values, err_msg=name)


def test_wrong_vertices_fall_back_to_scalar_access(monkeypatch):
    right = generator._batch_record

    def wrong(batch, shift):
        record = right(batch, shift)
        return {**record, "vx": record["vx"] + 1.0}

    monkeypatch.setattr(generator, "_batch_record", wrong)
    with pytest.warns(UserWarning, match="slower scalar access"):
        assert generator.vertex_access(SETTINGS, events=2) == "scalar"


def test_seed_decides_the_events():
    first, same, other = (generator.generate(SETTINGS, 3, seed, everything)[0] for seed in (8, 8, 9))
    assert all(np.array_equal(values, same[name]) for name, values in first.items())
    assert num_rows(first) != num_rows(other) or not np.array_equal(first["px"], other["px"])


def test_number_of_events_over_several_batches(monkeypatch):
    monkeypatch.setattr(generator, "_BATCH", 4)
    (record,) = generator.generate(SETTINGS, 10, 2, lambda r: [take(r, r["status"] > 0)])
    np.testing.assert_array_equal(np.unique(record["event"]), np.arange(10))


def test_refused_setting_is_named():
    with pytest.raises(InputError, match="does not accept the setting 'No:such = on'"):
        generator.new_pythia(("No:such = on",), 1)


def test_missing_pythia_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(InputError, match=r"TauAdv\[simulation\]"):
        generator.new_pythia(SETTINGS, 1)


def test_every_process_has_the_common_settings():
    for process in PROCESSES:
        assert pythia_settings(process, ("a", "b"))[: len(COMMON)] == COMMON
        assert pythia_settings(process, ("a", "b"))[-2:] == ("a", "b")
