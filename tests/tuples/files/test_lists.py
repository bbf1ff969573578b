import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.files.lists import read_list


@pytest.fixture
def make(tmp_path):
    def write(content, name="files.list"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a.root\nb.root\n", ["a.root", "b.root"]),
        ("\ufeffa.root\r\n\r\nb.root\r\n", ["a.root", "b.root"]),
        ("a.root\rb.root", ["a.root", "b.root"]),
        ("a.root\n\ufeffb.root\n", ["a.root", "b.root"]),
        ("  a.root \t\n\t# b.root\n#c.root\n", ["a.root"]),
        ("run#3.root # the third\nrun#4.root\t#fourth\n", ["run#3.root", "run#4.root"]),
        ("'a #1.root'\n\"b b.root\"  # quoted\n' c '\n", ["a #1.root", "b b.root", " c "]),
        ("it's.root\n", ["it's.root"]),
        ("a\x0bb.root\na\x85b.root\na\u2028b.root\n", ["a\x0bb.root", "a\x85b.root", "a\u2028b.root"]),
    ],
)
def test_names_of_a_list(make, content, names):
    assert [name for _, name in read_list(make(content))] == names


def test_numbers_of_lines_count_all_lines(make):
    assert read_list(make("\n# first\na.root\n\nb.root")) == [(3, "a.root"), (5, "b.root")]


def test_a_file_whose_name_has_a_comment_sign_is_taken(make, tmp_path):
    (tmp_path / "w #2.root").touch()
    assert read_list(make("w #2.root\nw #3.root\n")) == [(1, "w #2.root"), (2, "w")]


def test_other_encodings_name_file_and_line(make, reference_data):
    for path, line in (
        (make("one.root\nfür.root\n".encode("latin-1")), 2),
        (reference_data / "cases/settings/latin1_list.txt", 1),
    ):
        with pytest.raises(InputError, match=rf"{path.name}: line {line}: not UTF-8 text \(byte 0xfc\); save") as error:
            resolve_inputs(path)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff", "# nothing\n"])
def test_a_list_of_nothing(make, content):
    with pytest.raises(InputError, match=r"files\.list: this list names no file"):
        read_list(make(content))


@given(st.lists(st.text(string.ascii_letters + "_-./#:é", min_size=1).filter(lambda name: name[0] != "#"), min_size=1))
def test_names_without_spaces_come_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("list") / "x.txt"
    path.write_text("\n".join(names), encoding="utf-8")
    assert [name for _, name in read_list(path)] == names


_PIECES = [b"a.root", b"b.root", b"\n", b"\r\n", b" ", b"#", b"'", b"*", b"\xef\xbb\xbf", b"\xfc"]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(_PIECES)).map(b"".join))
def test_any_bytes_are_a_list_or_an_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("list") / "x.txt"
    path.write_bytes(content)
    path.with_name("a.root").touch()
    message, found = "", set()
    try:
        found = {file.name for file in resolve_inputs(path)}
    except InputError as error:
        message = str(error)
    assert ("x.txt" in message) == (found != {"a.root"})
    assert found <= {"a.root"}


def test_a_list_is_resolved(make, tmp_path):
    (tmp_path / "a.root").touch()
    assert [file.name for file in resolve_inputs(make("a.root\n"))] == ["a.root"]
