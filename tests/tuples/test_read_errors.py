"""Whatever a library raises on a damaged file becomes one line that names the file."""

from types import SimpleNamespace

import pytest
from uproot.deserialization import DeserializationError

from TauAdv.cli.report import report_errors
from TauAdv.errors import InputError, first_line, message_of
from TauAdv.io.atomic import new_file
from TauAdv.tuples.read_errors import reading


class Knot:
    """What uproot makes of an object that damaged bytes put into itself."""

    def __repr__(self):
        return repr([self])


@pytest.fixture
def endless():
    """The error of uproot on such an object: its message is made when it is asked for, and has no end."""
    crumb = SimpleNamespace(classname="TTree", instance_version=20, num_bytes=7, _members={"fBranches": Knot()})
    return DeserializationError("expected 7 bytes", None, None, {"breadcrumbs": (crumb,)}, "bad.root")


def test_an_error_that_cannot_say_what_it_is(endless):
    with pytest.raises(RecursionError):
        str(endless)
    assert message_of(endless) == first_line(endless) == "DeserializationError"


@pytest.mark.parametrize("error", [RecursionError("maximum recursion depth exceeded"), KeyError("fTitle"), MemoryError()])
def test_one_line(error, tmp_path):
    with (
        pytest.raises(InputError, match=r"^bad\.root: branch 'a': .*damaged.*$") as caught,
        reading("bad.root", "branch 'a'"),
    ):
        raise error
    assert len(str(caught.value).splitlines()) == 1


def test_one_line_while_an_output_is_written(endless, tmp_path, capsys):
    """Behind an error that ends a step stands what it was raised from: whether the disk was full is looked up there."""

    @report_errors
    def main(words):
        with new_file(tmp_path / "out.root"), reading("bad.root"):
            raise endless

    with pytest.raises(SystemExit, match="2"):
        main([])
    said = "error: bad.root: cannot be read, it may be damaged; make or copy it again (DeserializationError: "
    assert capsys.readouterr().err == f"{said}DeserializationError)\n"
    assert list(tmp_path.iterdir()) == []
