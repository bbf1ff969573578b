import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jet_lines import GROUPS, as_line, random_jet, random_jets

from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable

TABLE = JetTable.load()
FLAVOURS = list(TABLE.flavours)
WORDS = {"NaN": math.nan, "-NaN": math.nan, "inf": math.inf, "-inf": -math.inf}


def expected_numbers(jet):
    def number(entry):
        return WORDS.get(entry, math.nan if entry is None else entry)

    head = [number(entry) for entry in [*jet[:3], *jet[3], *jet[4]]]
    return head, [[number(entry) for group in track for entry in group] for track in jet[5]]


entries = st.one_of(
    st.sampled_from(["NaN", "-NaN", "inf", "-inf", None]),
    st.floats(-3e38, 3e38),
    st.integers(-(10**30), 10**30),
)


def lists(size):
    return st.lists(entries, min_size=size, max_size=size)


tracks = st.tuples(*(lists(size) for size in GROUPS)).map(list)
jets = st.tuples(
    st.floats(1e-30, 1e30),
    st.floats(-1e30, 1e30),
    st.sampled_from(FLAVOURS),
    lists(8),
    lists(6),
    st.lists(tracks, min_size=1, max_size=4),
).map(list)


@settings(max_examples=60)
@given(st.lists(jets, min_size=1, max_size=3), st.booleans())
def test_round_trip(content, bare):
    lines = [as_line(jet) for jet in content]
    if bare:  # NaN and Infinity without quotes, as json.dumps writes them
        bare_words = (('"NaN"', "NaN"), ('"inf"', "Infinity"), ('"-inf"', "-Infinity"))
        text = [line.decode() for line in lines]
        for word, constant in bare_words:
            text = [line.replace(word, constant) for line in text]
        lines = [line.encode() for line in text]
    found = parse_lines(lines, 11, TABLE)
    assert found.faults == ()
    np.testing.assert_array_equal(found.line, 11 + np.arange(len(content)))
    heads, by_track = zip(*(expected_numbers(jet) for jet in content), strict=True)
    np.testing.assert_array_equal(found.jet, np.array(heads, dtype=float))
    np.testing.assert_array_equal(found.track, np.array([track for jet in by_track for track in jet], dtype=float))
    np.testing.assert_array_equal(found.n_tracks, [len(jet) for jet in by_track])


def test_most_tracks_and_spaces():
    jet = random_jet(np.random.default_rng(0), 33)
    found = parse_lines([as_line(jet), b" " + as_line(jet).replace(b",", b" ,\t") + b"\r"], 1, TABLE)
    assert found.faults == ()
    np.testing.assert_array_equal(found.n_tracks, [33, 33])
    np.testing.assert_array_equal(found.track[:33], found.track[33:])


def changed(change):
    jet = random_jet(np.random.default_rng(1), 2)
    change(jet)
    return as_line(jet)


def good():
    return as_line(random_jet(np.random.default_rng(1), 2))


def set_entry(*path_and_value):
    *path, last, value = path_and_value

    def change(jet):
        for step in path:
            jet = jet[step]
        jet[last] = value

    return change


def no_list(jet):
    del jet[3]


BAD = {
    "not JSON": [
        (b"this is no list", "column 1, near 'this is no l'"),
        (good()[:-1], "column"),
        (good() + b"]", "Extra data"),
        (good().replace(b", ", b",, ", 1), "column 7"),
        (b"\xff\xfe", r"0xff at column 1 is not UTF-8 text \(it looks like UTF-16\)"),
        (good().replace(b"30.5", b"30\xc3"), "0xc3 at column 4 is not UTF-8"),
        (good().replace(b"30.5", b"30\0"), r"column 4, near '\\x00"),
        (good() + b"\0" * 50, "Extra data"),
        ("\ufeff".encode() + good(), "BOM|column 1"),
        (b"[", "Expecting value at column 2, near 'end of line'; expected one jet a line, not an array"),
        (b"]", "not an array of jets"),
        (good() + b",", "Extra data.*not an array of jets"),
        (good().replace(b"30.5", b"0x1F"), "column"),
        (good().replace(b"30.5", b"030"), "column"),
        (good().replace(b"30.5", b"1_000"), "column"),
        (good().replace(b"30.5", b"nan"), "column"),
        (good().replace(b"30.5", "３０".encode()), "column 2"),
        (b"[1, 2, '5']", "column 8"),
    ],
    "nesting": [
        (b"{}", "expected a list"),
        (b"5", "expected a list"),
        (changed(set_entry(3, 2, [1])), "entry 4, entry 3: expected a number"),
        (changed(set_entry(0, True)), "entry 1: expected a number"),
        (changed(set_entry(3, 5)), "entry 4: expected a list of 8"),
        (changed(set_entry(5, {})), "entry 6: expected a list of tracks"),
        (changed(set_entry(5, 1, 3)), "track 2: expected four lists"),
        (changed(set_entry(5, 1, 2, 0.5)), "track 2, list 3"),
        (b"[" * 2000 + b"]" * 2000, "^lists nested 2000 deep; a jet has 4$"),
        (b"[" * 500_000, "^lists nested 500000 deep"),
        (b'{"a":' * 100_000, "^lists nested 100000 deep"),
        (good().replace(b"30.5", b"[" * 300 + b"]" * 300), "^lists nested 301 deep"),
        (b"[" + good() + b", " + good() + b"]", "a list of 2 lists, not a jet .*; expected one jet a line, not an array"),
        (b'{"pt": 1, "pt": 2}', "received {'pt': 2}"),
        (changed(set_entry(0, False)), "entry 1: expected a number, received False"),
        (changed(set_entry(3, 0, True)), "entry 4, entry 1: expected a number, received True"),
    ],
    "number of entries": [
        (b"[]", "received 0"),
        (b"[1]", "received 1"),
        (b"[" * 50 + b"]" * 50, "expected 6 entries .* received 1"),
        (changed(no_list), "received 5"),
        (changed(set_entry(3, [1.0] * 7)), "entry 4: expected 8 entries, received 7"),
        (changed(set_entry(4, [1.0] * 7)), "entry 5: expected 6 entries, received 7"),
        (changed(set_entry(5, 0, 1, [1.0] * 14)), "track 1, list 2: expected 15 entries, received 14"),
    ],
    "unknown string": [
        (changed(set_entry(3, 1, "nan")), "entry 4, entry 2: unknown string 'nan'"),
        (changed(set_entry(1, "+inf")), "entry 2: unknown string '[+]inf'"),
        (changed(set_entry(5, 0, 0, 0, "1.5")), "track 1, list 1, entry 1: unknown string '1.5'"),
        (changed(set_entry(1, " NaN")), "unknown string"),
        (changed(set_entry(1, "NaN-")), "unknown string"),
        (changed(set_entry(0, "30.5")), "entry 1: unknown string '30.5'"),
        (changed(set_entry(3, 0, "\ud800")), r"unknown string '\\ud800'"),
        (changed(set_entry(3, 0, "a\0\n")), r"unknown string 'a\\x00\\n'"),
        (changed(set_entry(3, 0, "[" * 5000)), r"^entry 4, entry 1: unknown string '\[{10,40}[.]{3}\[{5,20}'"),
    ],
    "empty line": [(b"", "the line is empty"), (b" \t\r", "the line is empty")],
    "impossible kinematics": [
        (changed(set_entry(0, "NaN")), r"^pt nan \(entry 1\); expected a finite number above 0"),
        (changed(set_entry(0, None)), "^pt nan"),
        (changed(set_entry(0, "inf")), "^pt inf"),
        (changed(set_entry(0, -5)), "^pt -5 "),
        (changed(set_entry(0, 0)), "^pt 0 "),
        (changed(set_entry(1, "NaN")), r"^eta nan \(entry 2\); expected a finite number"),
        (changed(set_entry(1, "-inf")), "^eta -inf"),
    ],
    "number too large": [
        (good().replace(b"30.5", b"1e400"), "^entry 1: 1e400 is too large; expected at most 3.403e[+]38, or inf in quotes"),
        (good().replace(b"30.5", b"1" + b"0" * 400), "^entry 1: 100000.*[.][.][.]0+ is too large"),
        (good().replace(b"30.5", b"9" * 10_000), "^entry 1: 999999"),
        (good().replace(b"30.5", b"1e" + b"9" * 10_000), "^entry 1: 1e9999"),
        (good().replace(b"30.5", b"1e39"), "^entry 1: 1e[+]39 is too large"),
        (good().replace(b"30.5", b"1e308"), "^entry 1: 1e[+]308 is too large"),
        (changed(set_entry(3, 7, 1e39)), "^entry 4, entry 8: 1e[+]39 is too large"),
        (changed(set_entry(4, 0, -1e300)), "^entry 5, entry 1: -1e[+]300 is too large"),
        (changed(set_entry(5, 1, 1, 14, 10**50)), "^track 2, list 2, entry 15: 1e[+]50 is too large"),
        (changed(set_entry(5, 0, 3, 6, -(10**50))), "^track 1, list 4, entry 7: -1e[+]50 is too large"),
        (changed(set_entry(5, 1, 2, 0, -(10**4000))), "^track 2, list 3, entry 1: -1000.* is too large"),
    ],
    "number too small": [
        (good().replace(b"30.5", b"1e-50"), r"^pt 1e-50 \(entry 1\) is 0 in single precision"),
    ],
    "zero tracks": [(changed(set_entry(5, [])), "without tracks; expected 1 to 33")],
    "too many tracks": [(as_line(random_jet(np.random.default_rng(0), 34)), "34 tracks; expected 1 to 33")],
    "unknown flavour": [
        (changed(set_entry(2, 3)), "unknown flavour 3 .entry 3.; expected one of 5, 4, 0"),
        (changed(set_entry(2, "NaN")), "unknown flavour nan"),
        (changed(set_entry(2, 4.5)), "unknown flavour 4.5"),
    ],
}


@pytest.mark.parametrize(
    ("kind", "line", "text"),
    [
        pytest.param(kind, *case, id=f"{kind} {number}")
        for kind, cases in BAD.items()
        for number, case in enumerate(cases, 1)
    ],
)
def test_bad_line(kind, line, text):
    jets = random_jets(80, seed=3)
    lines = [as_line(jet) for jet in jets]
    lines.insert(70, line)
    found = parse_lines(lines, 1001, TABLE)
    (fault,) = found.faults
    assert (fault.line, fault.kind) == (1071, kind)
    assert re.search(text, fault.text), fault.text
    assert len(fault.text) < 200
    assert fault.text.isprintable()
    assert 1071 not in found.line
    reference = parse_lines(lines[:70] + lines[71:], 1, TABLE)
    for name in ("jet", "track", "n_tracks"):
        np.testing.assert_array_equal(getattr(found, name), getattr(reference, name))


def test_brackets_that_hide_in_a_word():
    line = changed(set_entry(1, "],["))
    (fault,) = parse_lines([line], 1, TABLE).faults
    assert fault.kind == "unknown string"


def test_no_lines():
    found = parse_lines([], 1, TABLE)
    assert found.jet.shape == (0, 17)
    assert found.track.shape == (0, 28)


def test_long_integers_are_numbers():
    lines = [changed(set_entry(3, 0, number)) for number in (2**64, -(10**30), 10**38, 1)]
    found = parse_lines(lines, 1, TABLE)
    assert found.faults == ()
    assert found.jet[:, 3].tolist() == [2.0**64, -1e30, 1e38, 1.0]


bad_bytes = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"[", b"]", b",", b'"', b"\\", b"null", b"1e999", b"NaN", b"-", b"\\ud800", b"\xff", b"\0", b"9" * 400]
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_lines_are_jets_or_faults(data):
    line = as_line(random_jet(np.random.default_rng(2), 2))
    for _ in range(data.draw(st.integers(1, 4))):
        place, length = data.draw(st.integers(0, len(line))), data.draw(st.sampled_from([0, 1, 2, 30]))
        line = (line[:place] + data.draw(bad_bytes) + line[place + length :]).replace(b"\n", b" ")
    found = parse_lines([good(), line, good()], 1, TABLE)
    assert len(found.line) + len(found.faults) == 3
    assert {1, 3} <= set(found.line.tolist())
    for fault in found.faults:
        assert fault.line == 2
        assert fault.text.isprintable()
        assert len(fault.text) < 200
    with np.errstate(over="raise"):
        assert np.isfinite(found.jet[:, 0].astype(np.float32)).all()
