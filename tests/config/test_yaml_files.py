"""The one YAML loader: what YAML 1.2 says, or one line of error."""

import io
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML, ScalarNode, SequenceNode
from ruamel.yaml.error import YAMLError

from TauAdv.config import parse_yaml, read_yaml, yaml_text
from TauAdv.config.scalars import Written
from TauAdv.config.yaml_files import LARGEST_FILE, parse_typed
from TauAdv.config.yaml_nodes import DEEPEST, MOST_VALUES
from TauAdv.errors import ConfigError

# the tables of section 10.3.2 of the specification of YAML 1.2.2, and what YAML 1.1 makes something else of
CORE = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "FALSE": False,
    "0": 0,
    "0o7": 7,
    "0x3A": 58,
    "-19": -19,
    "0.": 0.0,
    "-0.0": -0.0,
    ".5": 0.5,
    "+12e03": 12000.0,
    "-2E+05": -200000.0,
    ".inf": math.inf,
    "-.Inf": -math.inf,
    "+.INF": math.inf,
    "0123": 123,
    "1e3": 1000.0,
    "yes": "yes",
    "no": "no",
    "on": "on",
    "Off": "Off",
    "y": "y",
    "1_000": "1_000",
    "0b11": "0b11",
    "1:30": "1:30",
    "12:00:00": "12:00:00",
    "190:20:30.15": "190:20:30.15",
    "2026-02-30": "2026-02-30",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "<<": "<<",
    "=": "=",
    "tRue": "tRue",
    "0o8": "0o8",
    "١٢": "١٢",
    "1.2.3": "1.2.3",
    "nan": "nan",
}


@pytest.mark.parametrize(("text", "value"), CORE.items())
def test_core_schema(text, value):
    found = parse_yaml(f"key: {text}", "text")["key"]
    assert (type(found), found) == (type(value), value)
    if text:
        assert parse_yaml(f"key: '{text}'", "text") == {"key": text}


def test_not_a_number():
    assert math.isnan(parse_yaml("x: .NaN", "text")["x"])


def reference(text):
    """Return the structure that ruamel.yaml finds by YAML 1.2, each value as (text, plain)."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)

    def convert(node):
        if node is None:
            return None
        if isinstance(node, ScalarNode):
            return (node.value, not node.style)
        if isinstance(node, SequenceNode):
            return [convert(entry) for entry in node.value]
        return {convert(key): convert(value) for key, value in node.value}

    return convert(yaml.compose(io.StringIO(text)))


def as_reference(value):
    if isinstance(value, Written):
        return (str(value), value.plain)
    if isinstance(value, list):
        return [as_reference(entry) for entry in value]
    return value if value is None else {as_reference(key): as_reference(entry) for key, entry in value.items()}


PIECES = ["a", "b c", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "'", '"', "#", " #", " ", "? "]
PIECES += [
    "|\n",
    ">",
    "|-\n",
    ">+\n",
    "0123",
    "é",
    "\\n",
    "\\/",
    "\\x41",
    "\\",
    "%",
    "@",
    "`",
    "&x ",
    "*x",
    "!",
    "...\n",
    "~",
]


def require_one_line(error, start):
    assert str(error).startswith(start)
    assert "\n" not in str(error)


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
@example("run: |#3\n")
@example("|\n#3\n")
@example("{a:1, 'b':2, ? c}")
def test_accepted_text_is_read_as_yaml_1_2(text):
    try:
        found = parse_yaml(text, "text", written=True)
    except ConfigError as error:
        require_one_line(error, "text, line ")
        return
    try:
        expected = reference(text)
    except YAMLError as error:
        if "expected a single document" in str(error):  # ruamel.yaml opens another one at every further "..."
            return
        raise
    assert as_reference(found) == expected


@given(st.text(max_size=80) | st.binary(max_size=80))
@example("a: \ud800")
@example("\x00")
@example("a: 1\x85b: 2")
@example(b"\xff\xfea\x00")
def test_any_content_is_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "any.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    try:
        assert isinstance(read_yaml(path), dict)
    except ConfigError as error:
        require_one_line(error, str(path))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "line 2: b: 'c' is given twice"),
        ("0x1: a\n1: b", "line 2: '1' is given twice"),
        ("a: !!int x", "line 1: a: expected no tag, received !!int"),
        ("- !python/object:os.system x", "line 1: expected no tag, received !python/object:os.system"),
        ("a:\n- x\n- &b [*b]", r"line 3: a: \*b: contains itself"),
        ("a: *b", r"line 1: a: \*b: there is no &b before it"),
        ("a: &x 1\n*x : 2", r"line 2: \*x: expected a name as key"),
        ("? [1, 2]\n: 3", "line 1: expected a name as key; received a list"),
        ("true: 3", "line 1: the key true: expected a name or a whole number; put it in quotes"),
        ("? \n: 3", "line 1: expected a name before the"),
        ("a: 1\n---\na: 2", "line 2: a second document"),
        ("%YAML 1.1\n---\na: yes", "expected YAML 1.2"),
        (f"x: {'[' * (DEEPEST + 1)}", "line 1: .*at most 100 lists and groups within each other"),
        (f"x: {'[' * 5000}", "line 1: .*at most 100 lists and groups within each other"),
        ("- " * 3000, "line 1: .*at most 100 lists and groups within each other"),
        (f"a: {'9' * 5000}", "line 1: a: expected a number of at most 300 digits; received one of 5,000"),
        ("a:\n  b: 1e999", "line 2: a.b: expected a number between 5e-324 and 1.8e308 in size; received 1e999"),
        ("a: 1e-999", "line 1: a: expected a number between"),
        ("a: x\x00", r"line 1, column 5: the character U\+0000"),
        ("a: 1\r\nb: \x1b[0m", r"line 2, column 4: the character U\+001B"),
        ("a: x\u2028b: 3", r"line 1, column 5: the character U\+2028"),
        ("a: [1, 2", "line 2: not valid YAML: while parsing a flow sequence"),
        ("a:\n\tb: 1", "line 2: not valid YAML: .*cannot start any token: b: 1; indent with spaces"),
    ],
)
def test_refused(content, problem):
    with pytest.raises(ConfigError, match=f"^text, {problem}|^text, .*{problem}") as caught:
        parse_yaml(content, "text")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"# f\xfcr die Analyse\nshards: x\n", "line 1, column 4: the byte 0xfc is not UTF-8"),
        ("shards: x\n".encode("utf-16"), "this file is UTF-16"),
        (b"a: " + b"x" * LARGEST_FILE, "at most 10 MB"),
        (b"- 1", "received a list"),
        (b"5", "received a single value"),
    ],
)
def test_refused_file(tmp_path, content, problem):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        read_yaml(path)


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        read_yaml(tmp_path / "gone.yaml")
    for path in (tmp_path, "a\0b"):
        with pytest.raises(ConfigError, match="expected a configuration file that can be read"):
            read_yaml(path)


def test_anchors_that_explode_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    with pytest.raises(ConfigError, match=r"line 6: a5: expected at most 200,000 values"):
        parse_yaml("\n".join(lines), "text")
    assert MOST_VALUES == 200_000


def test_nesting_by_aliases_is_refused():
    deep = "[" * 60 + "]" * 60
    with pytest.raises(ConfigError, match=r"line 2: b: \*a: expected at most 100 lists"):
        parse_yaml(f"a: &a {deep}\nb: {'[' * 60}*a{']' * 60}", "text")


def test_an_alias_is_a_copy():
    content = parse_yaml("a: &a {b: [1]}\nc: *a", "text")
    content["a"]["b"].append(2)
    assert content["c"] == {"b": [1]}


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\xef\xbb\xbfn_tau: 3\r\n")
    assert read_yaml(path) == {"n_tau": 3}


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_json_is_yaml(content):
    text = json.dumps({"x": content}, ensure_ascii=False).replace("\x7f", "\\u007f")
    for raw in ("\x85", "\u2028", "\u2029", "\ufeff", *map(chr, range(0x80, 0xA0)), "\ufffe", "\uffff"):
        text = text.replace(raw, f"\\u{ord(raw):04x}")
    if any("\ud800" <= letter <= "\udfff" for letter in text) or "Infinity" in text:
        return  # neither is JSON that others would read
    assert parse_yaml(text, "text") == {"x": content}


WORDS = st.text(st.characters(exclude_categories=("Cs",))) | st.sampled_from(sorted(CORE))


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_what_is_written_reads_back_equal(content):
    text = yaml_text({"x": content})
    assert parse_yaml(text, "text") == {"x": content}


@pytest.mark.parametrize(
    ("text", "value"),
    [("[1, a]", ["1", "a"]), ("{a: 'b # c'}", {"a": "b # c"}), ("'x'", "x"), ("[é, 'ü #']", ["é", "ü #"]), ("a#b", "a#b")],
)
def test_typed_values(text, value):
    assert parse_typed(text) == value


@pytest.mark.parametrize("text", ["1 # one", "[1, 2] #", "[a, #b\n]", "{a: 'b'} # c", "# all", "é #1"])
def test_a_comment_would_end_a_typed_value(text):
    with pytest.raises(ValueError, match=r"comment|not valid YAML"):
        parse_typed(text)


@pytest.mark.parametrize("text", ["&a [1]", "[*a]", "!!int 3", "[1", "a\0b", "a: b: c", "[1]\n---\n[2]"])
def test_refused_typed_values(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_typed(text)
