import numpy as np
import pytest
from jet_lines import as_line, random_jets

from TauAdv.errors import InputError
from TauAdv.jets.columns import arrange, concatenate_jets, signed_significance
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable

TABLE = JetTable.load()
D0, D0D0 = 0, 5


def jets_of(content, n_tracks=6, first_line=1):
    return arrange(parse_lines([as_line(jet) for jet in content], first_line, TABLE), TABLE, n_tracks)


@pytest.mark.parametrize("n_tracks", [1, 6, 33])
def test_tracks_by_signed_significance(n_tracks):
    content = random_jets(50, seed=2)
    jets = jets_of(content, n_tracks)
    for row, jet in enumerate(content):
        tracks = [[float(entry) for group in track for entry in group] for track in jet[5]]
        tracks.sort(key=lambda track: -track[D0] / np.sqrt(track[D0D0]))
        for slot in range(n_tracks):
            expected = tracks[slot] if slot < len(tracks) else [np.nan] * 28
            found = [jets[f"track_{slot}_{variable.name}"][row] for variable in TABLE.track]
            np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
        head = [float(entry) for entry in [*jet[:3], *jet[3], *jet[4]]]
        np.testing.assert_array_equal(jets.values[row, :17], np.array(head, dtype=np.float32))
    np.testing.assert_array_equal(jets.n_tracks, [len(jet[5]) for jet in content])
    np.testing.assert_array_equal(jets.flavor, [jet[2] for jet in content])


def test_padding_says_which_tracks_there_are():
    content = random_jets(50, seed=4)
    jets = jets_of(content)
    for row, jet in enumerate(content):
        slots = [-1 if column.track is None else column.track for column in jets.columns]
        np.testing.assert_array_equal(jets.padding[row], np.array(slots) >= len(jet[5]))
    assert np.isnan(jets.values[jets.padding]).all()


def test_equal_significances_keep_their_order_and_undefined_ones_come_last():
    jet = random_jets(1, most_tracks=1)[0]
    tracks = [[list(group) for group in jet[5][0]] for _ in range(4)]
    for number, (track, (d0, variance)) in enumerate(zip(tracks, [(1, 0), (1, 1), (2, 4), (3, 1)], strict=True)):
        track[0][D0], track[1][0], track[2][0] = d0, variance, number
    jet[5] = tracks
    jets = jets_of([jet])
    np.testing.assert_array_equal([jets[f"track_{slot}_weight"][0] for slot in range(4)], [3, 1, 2, 0])


def test_significance():
    track = np.zeros((3, 28))
    track[:, D0], track[:, D0D0] = [1, -2, 1], [4, 1, -1]
    np.testing.assert_array_equal(signed_significance(track), [0.5, -2, np.nan])


def test_take_and_concatenate():
    content = random_jets(20)
    jets = jets_of(content)
    joined = concatenate_jets([jets_of(content[:7]), jets_of(content[7:], first_line=8)])
    for name in ("line", "n_tracks", "values"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(jets, name))
    np.testing.assert_array_equal(jets.take(np.array([3, 1])).line, [4, 2])
    assert len(jets.take(slice(2, 5))) == 3


def test_unknown_column():
    with pytest.raises(InputError, match="no column 'track_7_D0'"):
        jets_of(random_jets(2))["track_7_D0"]


def test_numbers_beyond_float32_become_infinite():
    jet = random_jets(1)[0]
    jet[3][0] = 1e300
    assert np.isposinf(jets_of([jet])["track_2_d0_significance"]).all()
