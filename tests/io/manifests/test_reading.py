"""Damaged manifests: one line that names the file, what is wrong and the way out."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.atomic import new_file
from TauAdv.io.manifests.manifest import finished, manifest_path, read_manifest, write_manifest

DAMAGED = {
    b"": r"expected JSON \(Expecting value",
    b"[]": "expected a JSON object, found a list",
    b"3": "expected a JSON object, found a int",
    b"\xff\xfe": "expected UTF-8 text",
    b"{": "expected JSON",
    b"\0" * 100: "expected JSON",
    b"[" * 100_000: "nested too deeply",
    b'{"step": "test", "seed": ' + b"9" * 5000 + b"}": "a number of thousands of digits",
    b'{"step": "test", "counts": {"n": ' + b"9" * 400 + b"}}": "a number of 400 digits",
    b'{"step": "test", "step": "other"}': "a key comes twice",
    b'{"step": "\\ud800"}': "half a character",
    b'{"settings": {}}': "step: field required",
    b'{"step": 3}': "step: input should be a valid string, received '3'",
    b'{"step": "test", "settings": []}': "settings: input should be a valid dict",
    b'{"step": "test", "settings": {}, "inputs": [3]}': r"inputs\.0",
    b'{"step": "test", "settings": {}, "inputs": [{"name": 3, "size": 1, "digest": ""}]}': r"inputs\.0\.name",
    b'{"step": "test", "settings": {}, "inputs": [{"name": "a", "size": -1, "digest": ""}]}': r"inputs\.0\.size",
    b'{"step": "test", "settings": {}, "inputs": [{"name": "a", "size": "1", "digest": ""}]}': r"inputs\.0\.size",
    b'{"step": "test", "settings": {}, "counts": 3}': "counts",
    b'{"step": "test", "settings": {}, "seed": "3"}': "seed",
    b'{"step": "test", "settings": {}, "parts": [{"name": 3}]}': r"parts\.0\.name",
    b'{"step": "test", "settings": {}, "parts": [{"file": "/etc/passwd"}]}': "expected a path inside of the folder",
    b'{"step": "test", "settings": {}, "parts": [{"name": "0", "chunks": [null]}]}': r"parts\.0\.chunks\.0",
    b'{"step": "test", "settings": {}, "files": 3}': "files",
    b'{"step": "test", "settings": {}, "checksum": "0"}': "its checksum does not belong to its content",
}


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_manifests_are_named(tmp_path, content):
    output = tmp_path / "out.root"
    output.write_text("content")
    manifest_path(output).write_bytes(content)
    remedy = r"remove out\.root\.manifest\.json and its file and make it again"
    said = rf"^[^\n]*out\.root\.manifest\.json: damaged[:,] [^\n]*{DAMAGED[content]}[^\n]*; {remedy}$"
    with pytest.raises(InputError, match=said):
        read_manifest(output)
    for overwrite in (False, True):  # a file of which it is not known who made it is never replaced
        with pytest.raises(OutputExistsError, match=r"^[^\n]*out\.root: exists and [^\n]*damaged[^\n]*move it away[^\n]*$"):
            finished(output, step="test", settings={}, overwrite=overwrite)


def test_a_folder_with_a_damaged_manifest_is_not_replaced(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"[]")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="remove the folder and make it again"):
        read_manifest(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"damaged.*never replaced"):
            finished(tmp_path, step="test", settings={}, overwrite=overwrite, folder=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "out.txt"
    with new_file(path) as temporary:
        temporary.write_text("content")
    write_manifest(path, step="test", settings={"cut": 0.5, "names": ["a", "b"]}, inputs=[path], counts={"n": 3}, seed=1)
    return path, manifest_path(path).read_bytes()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_changed_at_random_never_pass(made, data):
    path, content = made
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    damaged = content[:place] + bytes([other]) + content[place + 1 :]
    manifest_path(path).write_bytes(damaged)
    try:
        found = read_manifest(path)
    except InputError as error:
        found = str(error)
    if isinstance(found, str):
        assert found.startswith(f"{manifest_path(path)}: damaged")
    else:  # a space became another, or the name of the checksum is another
        expected = json.loads(content)
        del expected["checksum"]
        assert {key: found[key] for key in expected} == expected
