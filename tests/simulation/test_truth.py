import numpy as np

from TauAdv.simulation.truth import LeptonKind, reduce_record

# row: pdg, status (> 0 stable), mother, px, py, pz, E
RECORD = [
    (23, -22, -1, 0, 0, 0, 91.2),
    (15, -23, 0, 30, 0, 0, 30.1),  # first copy: radiates
    (22, 1, 1, 5, 0, 0, 5),  # photon of the first copy
    (15, -51, 1, 25, 0, 0, 25.1),  # last copy
    (16, 1, 3, 5, 0, 0, 5),
    (-211, 1, 3, 12, 0, 0, 12.001),
    (111, -91, 3, 8, 0, 0, 8.001),
    (22, 1, 6, 5, 0, 0, 5),
    (22, 1, 6, 3, 0, 0, 3),
    (-15, -23, 0, -30, 0, 0, 30.1),
    (-16, 1, 9, -10, 0, 0, 10),
    (12, 1, 9, -8, 0, 0, 8),
    (-11, 1, 9, -12, 0, 0, 12),
    (24, -22, -1, 0, 40, 0, 90),
    (-13, 1, 13, 0, 40, 0, 40),
    (511, -83, -1, 0, 0, 9, 11),
    (15, -91, 15, 0, 3, 5, 6.1),  # tau of a b hadron: not prompt
    (16, 1, 16, 0, 1, 2, 2.24),
    (-211, 1, 16, 0, 2, 3, 3.61),
    (11, 1, 15, 0, 1, 4, 4.12),  # electron of a b hadron
]  # fmt: skip


def record():
    columns = np.array(RECORD, dtype=float).T
    names = ("pdg_id", "status", "mother", "px", "py", "pz", "energy")
    table = {name: values.astype(int) if name in names[:3] else values for name, values in zip(names, columns, strict=True)}
    return {
        **table,
        "event": np.zeros(len(RECORD), dtype=int),
        **{name: np.zeros(len(RECORD)) for name in ("vx", "vy", "vz")},
    }


def test_leptons():
    _, leptons = reduce_record(record())
    found = {int(kind): row for row, kind in enumerate(leptons["kind"])}
    assert set(found) == {LeptonKind.TAU_TO_HADRONS, LeptonKind.TAU_TO_ELECTRON, LeptonKind.MUON}
    hadronic = found[LeptonKind.TAU_TO_HADRONS]
    assert leptons["pt"][hadronic] == 20  # pion and the photons of the pi0: neither neutrino nor radiated photon
    assert leptons["decay_mode"][hadronic] == 1
    assert leptons["charge"][hadronic] == -1
    assert leptons["pt"][found[LeptonKind.TAU_TO_ELECTRON]] == 12
    assert leptons["charge"][found[LeptonKind.TAU_TO_ELECTRON]] == 1
    assert leptons["pt"][found[LeptonKind.MUON]] == 40


def test_particles_are_stable_visible_and_central():
    particles, _ = reduce_record(record())
    assert not np.isin(np.abs(particles["pdg_id"]), (12, 14, 16, 15, 23, 111, 511)).any()
    assert len(particles["pdg_id"]) == 8


def test_generated_taus(events):
    _, leptons = events
    taus = leptons["kind"] >= LeptonKind.TAU_TO_ELECTRON
    np.testing.assert_array_equal(np.bincount(leptons["event"][taus]), 2)
    hadronic = leptons["kind"] == LeptonKind.TAU_TO_HADRONS
    assert 0.5 < hadronic.sum() / taus.sum() < 0.8  # branching ratio .65
    assert leptons["mass"][hadronic].max() < 1.777
    modes = leptons["decay_mode"][hadronic]
    assert set(modes) <= {0, 1, 2, 3, 4, 10, 11, 12, 13}
