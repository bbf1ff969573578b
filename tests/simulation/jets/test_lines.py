import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable
from TauAdv.simulation.jets.lines import jet_lines, round_digits, write_lines
from TauAdv.simulation.jets.variables import jet_quantities


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-15), min_size=1))
def test_rounding_is_that_of_six_digits(values):
    expected = [float(f"{value:.6g}") for value in values]
    np.testing.assert_allclose(round_digits(np.array(values)), expected, rtol=1.1e-5 / 2, atol=0)
    printed = [f"{value:.6g}" for value in round_digits(np.array(values))]
    assert [float(text) for text in printed] == round_digits(np.array(values)).tolist()


def test_lines_come_back(jets_and_tracks):
    jets = jet_quantities(*jets_and_tracks)
    found = parse_lines([line.rstrip(b"\n") for line in jet_lines(jets)], 1, JetTable.load())
    assert found.faults == ()
    for name in ("jet", "track", "n_tracks"):
        np.testing.assert_array_equal(getattr(found, name), round_digits(jets[name]))


def test_words_and_whole_numbers(jets_and_tracks):
    jets = jet_quantities(*jets_and_tracks)
    text = b"".join(jet_lines(jets))
    assert b'"NaN","NaN"' in text
    assert b'[-1,-1,-1,"inf",-1,"-inf"]' in text
    assert b"nan" not in text.replace(b"NaN", b"")


def test_equal_jets_give_equal_files(jets_and_tracks, tmp_path):
    jets = jet_quantities(*jets_and_tracks)
    for name in ("a", "b"):
        write_lines(tmp_path / name, jets)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with LineReader(tmp_path / "a") as reader:
        assert reader.read(3) == [line.rstrip(b"\n") for line in list(jet_lines(jets))[:3]]
