"""What a user types is what is meant: the type of a setting decides what its text is."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from TauAdv.config import Settings, dump_settings, load_settings, merged
from TauAdv.config.scalars import is_blank, unusable_character
from TauAdv.errors import ConfigError


class Inner(Settings):
    label: str = "x"
    sizes: tuple[int, ...] = ()
    unit: str = ""


class Typed(Settings):
    run_name: str | None = None
    folder: Path = Path("runs")
    count: int = 1
    share: float = 0.5
    shuffle: bool = True
    kind: Literal["none", "fast"] = "none"
    names: tuple[str, ...] = ()
    files: str | tuple[str, ...] = "a"
    classes: dict[int, str] = {}
    groups: dict[str, tuple[float, ...]] = {}
    eps: float | dict[str, float] = 0.1
    pair: tuple[str, int] = ("a", 1)
    either: str | int = "a"
    inner: Inner = Inner()
    inners: dict[str, Inner] = {}


# text that YAML 1.1 or a YAML reader would turn into something else
TEXTS = [
    "yes",
    "no",
    "on",
    "off",
    "0123",
    "1:30",
    "12:00:00",
    "1_000",
    "2026-02-30",
    "2026-02-01",
    "1e3",
    "1.10",
    "true",
    "007",
]
TYPED = [
    *TEXTS,
    "scan #3",
    "a: b",
    "[1, 2",
    "{x",
    "*star",
    "&and",
    "!bang",
    "- dash",
    "'half",
    '"quoted"',
    " spaced ",
    "100%",
    "=",
]


@pytest.fixture
def file(tmp_path):
    def load(text, *overrides):
        path = tmp_path / "settings.yaml"
        path.write_text(text, encoding="utf-8")
        return load_settings(Typed, path, overrides)

    return load


@pytest.mark.parametrize("text", TEXTS)
def test_text_in_a_file_stays_text(file, text):
    settings = file(f"run_name: {text}\nfolder: {text}\nnames: [{text}]\nclasses: {{1: {text}}}\ninner: {{label: {text}}}\n")
    assert (settings.run_name, settings.folder, settings.names) == (text, Path(text), (text,))
    assert (settings.classes, settings.inner.label) == ({1: text}, text)
    assert file(f"groups: {{{text}: [1]}}\npair: [{text}, 2]\nfiles: {text}\n").groups == {text: (1.0,)}


@pytest.mark.parametrize("text", TYPED)
def test_typed_text_is_taken_exactly(text):
    settings = load_settings(Typed, None, [f"run_name={text}", f"folder={text}", f"inner.label={text}"])
    assert (settings.run_name, settings.folder, settings.inner.label) == (text, Path(text), text)
    assert load_settings(Typed, None, [f"inners.{'a'}.label={text}"]).inners["a"].label == text


@given(st.text(min_size=1))
@example("null ")
@example("\x00")
@example("\udcff")
@example("\u200b\u00a0")
def test_any_typed_text_is_taken_exactly_or_refused(text):
    try:
        settings = load_settings(Typed, None, [f"run_name={text}"])
    except ConfigError:
        assert is_blank(text) or unusable_character(text)
    else:
        assert settings.run_name == (None if text in ("null", "Null", "NULL", "~") else text)


@pytest.mark.parametrize("key", ["count", "share", "shuffle", "classes.a", "inner.sizes"])
@pytest.mark.parametrize("text", ["yes", "0123", "1:30", "1_000", "2026-02-30", "'3'", "12 # x", "0b1", "nan", "١"])
def test_a_number_or_truth_value_is_refused_if_it_is_none(file, key, text):
    with pytest.raises(ConfigError, match=rf"{key.split('.')[0]}.*: "):
        load_settings(Typed, None, [f"{key}={text}"])
    if "." not in key and "#" not in text:
        with pytest.raises(ConfigError, match=rf"line 2: {key}: expected"):
            file(f"kind: fast\n{key}: {text}\n")


def test_messages_name_line_and_key(file):
    with pytest.raises(ConfigError) as caught:
        file("count: 0123\nshuffle: yes\ninner:\n  sizes: [1, x]\n  labl: 3\neps: {a: on}\nrun_name:\nkind: 3\n")
    assert sorted(str(caught.value).splitlines()[1:]) == [
        "  line 1: count: expected a number without leading zeros; received 0123",
        "  line 2: shuffle: expected true or false; received 'yes'",
        "  line 4: inner.sizes.1: expected a whole number; received 'x'",
        "  line 5: inner.labl: unknown key (did you mean 'label'?)",
        "  line 6: eps.a: expected a number; received 'on'",
        "  line 7: run_name: empty; write a value, or leave the setting out (null: none)",
        "  line 8: kind: expected 'none' or 'fast'; received '3'",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("count=0123", "command line: count: expected a number without leading zeros"),
        ("inner={sizes: [1, x]}", "command line: inner.sizes.1: expected a whole number"),
        ("inner.sizes=[1, x]", "command line: inner.sizes.1: expected a whole number"),
        ("inner.labl=a", r"command line: inner.labl: unknown key \(did you mean 'label'\?\)"),
        ("eps.b=on", "command line: eps.b: expected a number"),
    ],
)
def test_what_was_typed_is_on_no_line_of_the_file(tmp_path, override, message):
    path = tmp_path / "settings.yaml"
    path.write_text("count: 1\ninner:\n  sizes: [1, 2]\neps: {a: 1}\n")
    with pytest.raises(ConfigError, match=rf"settings\.yaml: 1 setting not accepted:\n  {message}"):
        load_settings(Typed, path, [override])
    path.write_text("kind: fast\ncount: 1\nshare: x\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(Typed, path, {"count": "many"})  # as of an option of a script
    assert [line.partition(";")[0] for line in str(caught.value).splitlines()[1:]] == [
        "  count: expected a whole number",
        "  line 3: share: expected a number",
    ]


def test_overrides_keep_the_order_of_the_file(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("eps: {a: 1, b: 2, c: 3}\n")
    assert load_settings(Typed, path, ["eps.a=4", "eps.d=5"]).eps == {"a": 4, "b": 2, "c": 3, "d": 5}
    assert list(load_settings(Typed, path, ["eps.a=4", "eps.d=5"]).eps) == ["a", "b", "c", "d"]


def test_numbers_as_yaml_1_2_has_them(file):
    settings = file(
        "count: 1e3\nshare: .5\neps: 0x10\ninner: {sizes: [0o17, +2]}\nclasses: {'3': jet, 0x4: x}\nshuffle: False\n"
    )
    assert (settings.count, settings.share, settings.eps, settings.inner.sizes) == (1000, 0.5, 16, (15, 2))
    assert (settings.classes, settings.shuffle) == ({3: "jet", 4: "x"}, False)


def test_lists_and_groups_on_the_command_line():
    words = ["names=[a, 0123, 'x # y']", "classes={0: e, 3: jet}", "eps={track_*_D0: 0.5}", "files=[a, b]", "pair=[0, 0]"]
    settings = load_settings(Typed, None, [*words, "inner={label: 1_0, sizes: [1]}", "inner.sizes=[2, 3]"])
    assert (settings.names, settings.classes) == (("a", "0123", "x # y"), {0: "e", 3: "jet"})
    assert (settings.eps, settings.files, settings.pair) == ({"track_*_D0": 0.5}, ("a", "b"), ("0", 0))
    assert settings.inner == Inner(label="1_0", sizes=(2, 3))
    assert load_settings(Typed, None, ["either=12"]).either == 12


def test_null_unsets(file):
    assert load_settings(Typed, None, {"run_name": "a"}).run_name == "a"
    assert file("run_name: a\n", "run_name=null").run_name is None
    assert file("run_name: 'null'\n").run_name == "null"
    with pytest.raises(ConfigError, match="folder: expected a path"):
        file("folder: ~\n")


BLANK = ["", " ", "\t", "\u00a0", "\u200b", "\ufeff", " \u2003\u2060 ", "\u00ad", "\u3164", "\u2800"]


@pytest.mark.parametrize("text", BLANK)
def test_blank_text_is_refused(file, text):
    with pytest.raises(ConfigError, match=r"override 'run_name=.*the value is empty"):
        load_settings(Typed, None, [f"run_name={text}"])
    for content in ({"run_name": text}, {"names": ["a", text]}, {"inner": {"label": text}}, {"classes": {1: text}}):
        with pytest.raises(ConfigError, match="empty; write a value, or leave the setting out"):
            load_settings(Typed, None, content)
    with pytest.raises(ValidationError):
        Typed(run_name=text)
    if "\ufeff" not in text:
        with pytest.raises(ConfigError, match="line 1: run_name: empty; write a value"):
            file(f'run_name: "{text}"\n')


def test_blank_is_a_value_where_it_is_the_default():
    assert Inner(unit="").unit == ""


@pytest.mark.parametrize("word", ["=3", " =3", "\u200b=3", "a", "inner..label=x", ".a=3", "inner.label.x=3"])
def test_refused_words(word):
    with pytest.raises(ConfigError, match=r"^override "):
        load_settings(Typed, None, ["inner.label=a", word])


@pytest.mark.parametrize("text", ["a\0b", "a\x1b[0m", "\ud800", "caf\udce9", "a\x85"])
def test_characters_that_no_text_has(text):
    for content in ([f"run_name={text}"], {"folder": text}, {"folder": Path(text)}, {"names": [text]}):
        with pytest.raises(ConfigError, match="expected text without"):
            load_settings(Typed, None, content)


def test_truth_values_are_no_numbers():
    with pytest.raises(ConfigError, match="count: expected a whole number; received true"):
        load_settings(Typed, None, {"count": True})


def test_a_key_given_twice_in_two_spellings(file):
    with pytest.raises(ConfigError, match="a key is given twice"):
        file("classes: {'1': a, 0x1: b}\n")


def test_options_and_words_are_merged():
    assert merged({"a": 1, "b": None, "c": 3}, ["c=4"], {"d": 5}) == {"a": 1, "c": "4", "d": 5}


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: not is_blank(text))
TEXT |= st.sampled_from(TYPED)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    run_name=st.none() | TEXT,
    count=st.integers(-(2**63), 2**63 - 1),
    share=FLOATS,
    shuffle=st.booleans(),
    names=st.lists(TEXT).map(tuple),
    files=TEXT | st.lists(TEXT).map(tuple),
    classes=st.dictionaries(st.integers(-5, 10**12), TEXT),
    groups=st.dictionaries(TEXT, st.lists(FLOATS).map(tuple)),
    either=st.integers(-(2**63), 2**63 - 1) | TEXT,
)
def test_dumped_settings_read_back_equal(tmp_path_factory, **values):
    settings = Typed(**values)
    path = tmp_path_factory.mktemp("dump") / "settings.yaml"
    path.write_text(dump_settings(settings), encoding="utf-8")
    assert load_settings(Typed, path) == settings


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
def test_whole_numbers_of_more_than_64_bits(tmp_path, number):
    (tmp_path / "a.yaml").write_text(f"count: {number}\n")
    for content in ((tmp_path / "a.yaml", []), (None, [f"count={number}"])):
        with pytest.raises(ConfigError, match=r"count: expected a number that fits into 64 bits"):
            load_settings(Typed, *content)
