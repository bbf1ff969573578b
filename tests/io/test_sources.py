import numpy as np
import pytest
from jet_lines import as_line, random_jets, write_lines

from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.io.sources import Source
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.parts import ExtractedJets
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.writer import TupleWriter


def test_tuples_are_a_source(tmp_path):
    with TupleWriter(tmp_path / "x.root") as writer:
        writer.extend({"tau_pt": np.arange(5, dtype=np.float32)})
    tuples = open_tuples(tmp_path)
    assert isinstance(tuples, Source)
    assert isinstance(tuples, TupleSource)
    assert (list(tuples.files), tuples.num_entries) == ([tmp_path / "x.root"], 5)
    assert list(tuples.column_names) == ["tau_pt"]
    assert tuples.identity() == [describe_input(tmp_path / "x.root")]
    assert [len(part) for part in tuples.iterate(["tau_pt"], step_size=2)] == [2, 2, 1]


def test_jets_are_a_source(tmp_path):
    extract_jets(
        write_lines(tmp_path / "x.json.gz", [as_line(jet) for jet in random_jets(3, seed=1)]),
        tmp_path / "jets",
        ExtractionSettings(),
    )
    jets = ExtractedJets.open(tmp_path / "jets")
    assert isinstance(jets, Source)
    assert not isinstance(jets, TupleSource)
    assert jets.num_entries == len(jets) == 3
    assert jets.identity() == [describe_input(tmp_path / "jets")]
    name = jets.column_names[0]
    parts = list(jets.iterate([name], step_size=2))
    assert [part.values.shape for part in parts] == [(2, 1), (1, 1)]
    np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), jets.read()[name])
    with pytest.raises(InputError, match=r"jets: has no column wrong"):
        next(jets.iterate(["wrong"]))


@pytest.mark.parametrize("other", [{}, [], np.zeros(3), "x.root"])
def test_others_are_none(other):
    assert not isinstance(other, Source)
