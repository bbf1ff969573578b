"""Settings: loading, overriding, errors, dumping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from TauAdv.config import Settings, dump_settings, load_settings
from TauAdv.errors import ConfigError


class Optimiser(Settings):
    learning_rate: float = 1e-3


class Example(Settings):
    n_tau: int = 100
    adv_parameter: tuple[float, float] = (1.0, 10.0)
    optimiser: Optimiser = Optimiser()
    groups: dict[str, Optimiser] = {}


class Output(Settings):
    file: str
    batches: int = 1


class Outputs(Settings):
    outputs: dict[str, Output]


class Source(Settings):
    file: Path | None = None
    url: str | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if (self.file is None) == (self.url is None):
            yield ("file", "url"), "give either file or url"

    def input_paths(self) -> dict[str, Path]:
        return {} if self.file is None else {"file": self.file}


class Connected(Settings):
    shards: Path
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5
    order: Literal["random", "stored"] = "stored"
    seed: int | None = None
    source: Source = Source(url="x")
    sources: dict[str, Source] = {}
    eps: Annotated[float, Field(ge=0, allow_inf_nan=False)] | dict[str, Annotated[float, Field(ge=0)]] = 0.1
    scan: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)] = (0.1,)
    start: Literal["now"] | int | None = None
    either: Optimiser | Source | None = None
    by_number: dict[int, float | tuple[float, ...]] = {}

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.order == "stored" and self.seed is not None:
            yield ("order", "seed"), "seed needs order: random"
        if self.count > 5 and self.share > 0.5:
            yield ("count", "share"), "count above 5 needs share of 0.5 at most"

    def input_paths(self) -> dict[str, Path]:
        return {"shards": self.shards} if self.shards is not None else {}


def test_file_and_overrides(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_tau: 250\noptimiser: {learning_rate: 0.1}\n")
    settings = load_settings(Example, path, ["optimiser.learning_rate=0.01", "adv_parameter=[1, 3]"])
    assert settings == Example(n_tau=250, adv_parameter=(1, 3), optimiser=Optimiser(learning_rate=0.01))


def test_unset_options_do_not_override():
    assert load_settings(Example, None, {"n_tau": None}).n_tau == 100
    assert load_settings(Example, None, {"optimiser.learning_rate": 0.5}).optimiser.learning_rate == 0.5


def test_all_errors_are_listed_with_the_nearest_key(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_taus: 3\nadv_parameter: [1]\noptimiser: {learning_rat: 1}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(Example, path)
    message = str(caught.value)
    assert "did you mean 'n_tau'" in message
    assert "did you mean 'learning_rate'" in message
    assert "adv_parameter" in message
    assert str(path) in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"count": 0}, ["count: expected at least 1; received 0"]),
        (
            {"count": 1.5, "share": 1},
            ["count: expected a whole number; received 1.5", "share: expected less than 1.0; received 1"],
        ),
        ({"share": float("nan")}, ["share: expected a finite number; received nan"]),
        (
            {"order": "randon"},
            ["order: expected 'random' or 'stored' (did you mean 'random'?); received 'randon'"],
        ),
        ({"seed": 3, "count": 7, "share": 0.7}, ["seed needs order: random", "count above 5 needs share of 0.5 at most"]),
        (
            {"seed": 3, "count": 7, "share": "much"},
            ["share: expected a number; received 'much'", "seed needs order: random"],
        ),
        ({"order": "x", "seed": 3}, ["order: expected 'random' or 'stored'; received 'x'"]),
        ({"source": 3}, ["source: expected a group of settings ('key: value' pairs); received 3"]),
        ({"source": {"file": "f", "url": "u"}}, ["source: give either file or url"]),
        (
            {"source": {"file": "f", "url": "u", "n": 1}},
            ["source.n: unknown key; known here: file, url", "source: give either file or url", "source.file: f: no such"],
        ),
        ({"source": {"fil": "f"}}, ["source.fil: unknown key (did you mean 'file'?)"]),
        ({"sources": {"a": {"x": 1}, "b": {}}}, ["sources.a.x: unknown key; known", "sources.b: give either file or url"]),
        ({"shards": 3}, ["shards: expected a path; received 3"]),
        ({"eps": {"track_*": -0.1}}, ["eps.track_*: expected at least 0.0; received -0.1"]),
        ({"eps": {"a": float("nan")}}, ["eps.a: expected a finite number; received nan"]),
        ({"eps": float("nan")}, ["eps: expected a finite number; received nan"]),
        ({"eps": -1}, ["eps: expected at least 0.0; received -1"]),
        ({"eps": "much"}, ["eps: expected a number or 'key: value' pairs; received 'much'"]),
        ({"eps": [1]}, ["eps: expected a number or 'key: value' pairs; received [1]"]),
        ({"eps": {"a": -1, "b": "x"}}, ["eps.a: expected at least 0.0;", "eps.b: expected a number; received 'x'"]),
        ({"scan": [float("nan")]}, ["scan.0: expected a finite number; received nan"]),
        ({"scan": []}, ["scan: expected at least 1 values, not 0; received []"]),
        ({"start": "noww"}, ["start: expected 'now' (did you mean 'now'?) or a whole number; received 'noww'"]),
        ({"either": {"learning_rat": 1}}, ["either.learning_rat: unknown key (did you mean 'learning_rate'?)"]),
        ({"by_number": {1: [1, "x"]}}, ["by_number.1.1: expected a number; received 'x'"]),
        ({"by_number": {"a": 1}}, ["by_number.a: name: expected a whole number; received 'a'"]),
        ({"eps": {1: 2}}, ["eps.1: name: expected text; received 1"]),
    ],
)
def test_every_problem_has_one_readable_line(tmp_path, content, expected):
    with pytest.raises(ConfigError) as caught:
        load_settings(Connected, None, {"shards": tmp_path, **content})
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(f"  {start}")


def test_missing_inputs_are_listed_with_the_rest(tmp_path):
    with pytest.raises(ConfigError, match=r"2 settings not accepted(.|\n)*count(.|\n)*absent: no such file or folder"):
        load_settings(Connected, None, {"shards": tmp_path / "absent", "count": 0})
    settings = load_settings(Connected, None, {"shards": tmp_path / "absent"})  # it may be made before it is read
    assert settings.missing_inputs() == [f"shards: {tmp_path / 'absent'}: no such file or folder"]


def test_unknown_key_inside_a_dictionary_of_settings():
    with pytest.raises(ConfigError, match="did you mean 'learning_rate'"):
        load_settings(Example, None, ["groups.first.learning_rte=1"])


@pytest.mark.parametrize("text", ["n_tau", "=3", "n_tau=[", "n_tau.x=3"])
def test_bad_override(text, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_tau: 1\n")
    with pytest.raises(ConfigError, match="override"):
        load_settings(Example, path, [text])


@pytest.mark.parametrize(("content", "expected"), [("a: [", "not valid YAML"), ("- 1", "received a list")])
def test_bad_file(tmp_path, content, expected):
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=expected):
        load_settings(Example, path)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(Example, tmp_path / "absent.yaml")


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_dump_reads_back_equal(tmp_path_factory, n_tau, k1, k2):
    settings = Example(n_tau=n_tau, adv_parameter=(k1, k2))
    path = tmp_path_factory.mktemp("dump") / "settings.yaml"
    path.write_text(dump_settings(settings))
    assert load_settings(Example, path) == settings


def test_a_group_that_an_override_begins_is_compared_with_those_of_the_file(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("outputs:\n  evaluate: {file: a.root}\n  trainval: {file: b.root}\n")
    line = r"command line: outputs\.{}\.file: required, but not given{}$"
    for name, hint in (("evaluat", r" \(did you mean 'evaluate'\?\)"), ("x", "")):
        with pytest.raises(ConfigError, match=line.format(name, hint)):
            load_settings(Outputs, path, [f"outputs.{name}.batches=1"])
    assert load_settings(Outputs, path, ["outputs.evaluate.batches=2"]).outputs["evaluate"].batches == 2


def test_known_keys_are_listed_once():
    with pytest.raises(ConfigError) as caught:
        load_settings(Output, None, {"file": "x", "abcd": 1, "wxyz": 2})
    assert str(caught.value).count("known here: file, batches") == 1
    assert "wxyz: unknown key" in str(caught.value)
