"""Which words of a command line make a sweep, and of which trainings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_classes import load_adversarial

from TauAdv.config.overrides import separated
from TauAdv.errors import ConfigError, InputError
from TauAdv.training.sweep.settings import of_all, sweep_settings

WORDS = st.text("ab1.- ", min_size=1).map(str.strip).filter(bool)
LISTS = st.lists(WORDS, min_size=1).map(lambda found: f"[{', '.join(found)}]")
QUOTED = WORDS.map(lambda word: f'["{word}, {word}]"]')
GROUPS = st.tuples(WORDS, LISTS).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}")


@given(st.lists(st.one_of(WORDS, LISTS, QUOTED, GROUPS), min_size=2))
def test_values_between_commas(values):
    assert separated(",".join(values)) == values
    assert separated(" , ".join(values)) == values


@pytest.mark.parametrize("text", ["", "a", "[1, 2]", "{a: 1, b: 2}", "[1, 2", '["a, b', "]1,2"])
def test_one_value(text):
    assert separated(text) == [text]


@pytest.fixture
def jets(tmp_path):
    """A function: words -> sweep of trainings of jets."""
    for name in ("shards", "adv"):
        (tmp_path / name).mkdir()

    def sweep(*words, **options):
        given = ["tagger=jet_flavour", f"data.shards={tmp_path / 'shards'}", *words]
        return sweep_settings(None, given, **options)

    return sweep


def test_all_combinations(jets):
    found = jets("seed=1,2,3", "schedule.learning_rate=0.01,1e-3")
    assert found.varied == {"seed": ("1", "2", "3"), "schedule.learning_rate": ("0.01", "1e-3")}
    pairs = [(settings.seed, settings.schedule.learning_rate) for settings in found.trainings]
    assert pairs == [(1, 0.01), (1, 0.001), (2, 0.01), (2, 0.001), (3, 0.01), (3, 0.001)]
    assert found.labels[1] == "seed=1, learning_rate=1e-3"
    assert found.values[4] == {"seed": "3", "schedule.learning_rate": "0.01"}


def test_one_value_each_is_no_sweep(jets):
    found = jets("seed=3", "output.run_name=seed")
    assert not found.varied
    assert [settings.seed for settings in found.trainings] == [3]


def test_trainings_are_those_of_single_words(jets):
    found = jets("seed=4,5", "attack.eps=0.01,0.03")
    for settings, values in zip(found.trainings, found.values, strict=True):
        (alone,) = jets(*(f"{key}={value}" for key, value in values.items())).trainings
        assert settings == alone


@pytest.mark.parametrize("key", ["output.run_name", "output.experiment", "output.mlruns", "model.network"])
def test_comma_in_a_text_stays(jets, key):
    found = jets(f"{key}=first, second,third")
    assert not found.varied
    group, name = key.split(".")
    assert str(getattr(getattr(found.trainings[0], group), name)) == "first, second,third"


def test_lists_in_a_group_are_split(jets):
    """Of a group that replaces that of the file, too; a list that is one value stays one."""
    given = {"method": {"kind": "reversal", "adv_parameter": [1, 6], "adv_learning_rate": [0.1, 0.2]}}
    path = jets("seed=1").trainings[0].data.shards
    found = sweep_settings(None, {"tagger": "jet_flavour", "data": {"shards": path, "adv_shards": path}, **given})
    assert found.labels == ["adv_learning_rate=0.1", "adv_learning_rate=0.2"]
    methods = [training.method for training in found.trainings]
    assert [(one.kind, one.adv_parameter, one.adv_learning_rate) for one in methods] == [
        ("reversal", (1, 6), 0.1),
        ("reversal", (1, 6), 0.2),
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["seed=[1, 2]"], "seed: .* for one training with each, start it with seed=1,2$"),
        (["attack={kind: fgsm, eps: [0.1, 0.2]}"], "attack.eps: .* start it with attack.eps=0.1,0.2$"),
        (
            ["method=reversal", "method.adv_parameter=1,6"],
            r"method.adv_parameter: .*; a list is written in brackets: \[1,6\]$",
        ),
    ],
)
def test_brackets_that_are_missing_or_superfluous(jets, words, hint):
    with pytest.raises(ConfigError, match=f"(?m)^  {hint}"):
        jets(*words)


def test_comma_in_a_path_stays(jets, tmp_path):
    (tmp_path / "a,b").mkdir()
    found = jets(f"data.validation_shards={tmp_path / 'a,b'}")
    assert found.trainings[0].data.validation_shards == tmp_path / "a,b"


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("attack=fgsm,pgd", ["fgsm", "pgd"]),
        ("attack.kind=fgsm,pgd", ["fgsm", "pgd"]),
        ("attack=null,{kind: pgd, eps: 0.1}", [None, "pgd"]),
    ],
)
def test_kinds(jets, word, values):
    attacks = [settings.attack for settings in jets(word).trainings]
    assert [attack and attack.kind for attack in attacks] == values


def test_lists_in_brackets(jets, tmp_path):
    reversal = ["method=reversal", f"data.adv_shards={tmp_path / 'adv'}"]
    found = jets(*reversal, "method.adv_parameter=[1,0],[1, 6]")
    assert [settings.method.adv_parameter for settings in found.trainings] == [(1, 0), (1, 6)]
    assert not jets(*reversal, "method.adv_parameter=[1,6]").varied
    with pytest.raises(ConfigError, match="adv_parameter: expected a list"):
        jets(*reversal, "method.adv_parameter=1,6")


def test_python_lists(jets, tmp_path):
    given = {"tagger": "jet_flavour", "data": {"shards": tmp_path / "shards"}, "seed": [1, 2]}
    found = sweep_settings(None, {**given, "schedule": {"learning_rate": (0.1, 0.2)}})
    pairs = [(settings.seed, settings.schedule.learning_rate) for settings in found.trainings]
    assert pairs == [(1, 0.1), (1, 0.2), (2, 0.1), (2, 0.2)]
    assert found.labels[3] == "seed=2, learning_rate=0.2"
    found = sweep_settings(None, {**given, "seed": range(3)})
    assert [settings.seed for settings in found.trainings] == [0, 1, 2]


def test_none_of_python_unsets(tmp_path):
    (tmp_path / "shards").mkdir()
    path = tmp_path / "training.yaml"
    path.write_text(
        f"tagger: jet_flavour\ndata: {{shards: {tmp_path / 'shards'}}}\nattack: fgsm\nschedule: {{clip_norm: 1.0}}\n"
    )
    found = sweep_settings(path, {"seed": [1, 2], "schedule": {"clip_norm": None}})
    assert [settings.schedule.clip_norm for settings in found.trainings] == [None, None]
    found = sweep_settings(path, {"attack": [None, "pgd"], "schedule.clip_norm": (2.0, None)})
    pairs = [(settings.attack and settings.attack.kind, settings.schedule.clip_norm) for settings in found.trainings]
    assert pairs == [(None, 2.0), (None, None), ("pgd", 2.0), ("pgd", None)]
    assert found.labels[1] == "attack=null, clip_norm=null"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=1,,2"], "seed=1,,2: one of the values is empty"),
        (["seed=1,2,"], "seed=1,2,: one of the values is empty"),
        (["seed=1,2,1"], "the trainings with seed=1 and seed=1 are the same"),
        (["seed=1,02"], "with seed=02: .*leading zeros"),
        (["seed=1,x"], "with seed=x: .*seed: expected a whole number; received 'x'"),
        (["output.log_steps=10,20"], "output.log_steps=10,20: expected one value, received 2; it says what is written"),
        (["schedule.devices=one,mirrored"], "on the same devices"),
        (["seed=1,2", "schedule.devices=multi_worker"], "a sweep is done by one process"),
        (["sed=1,2"], "sed: unknown key"),
        (["seed=1,2", "seed=3"], "override 'seed' comes twice"),
    ],
)
def test_refused(jets, words, message):
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        jets(*words)


def test_all_problems_at_once(jets):
    with pytest.raises(ConfigError) as error:
        jets("seed=1,-1", "attack.eps=0.1,-2", "schedule.n_epochs=0")
    lines = str(error.value).splitlines()
    assert lines[0] == "3 problems with the trainings of the sweep:"
    assert sum("n_epochs" in line and "with" not in line for line in lines) == 1  # of all trainings
    assert sum("seed: " in line and "with seed=-1, eps=0.1 and 1 more: " in line for line in lines) == 1
    assert sum("attack.eps: " in line and "with seed=1, eps=-2 and 1 more: " in line for line in lines) == 1


def test_defaults_of_a_script(tmp_path):
    for name in ("class", "adv"):
        (tmp_path / name).mkdir()
    words = [f"data.shards={tmp_path / 'class'}", f"data.adv_shards={tmp_path / 'adv'}"]
    given = {"tagger": "deeptau", "method": "reversal"}
    found = sweep_settings(None, [*words, "method.adv_learning_rate=0.1,0.2", "model.precision=float32,float64"], given)
    assert found.trainings[0] == load_adversarial(None, [*words, "method.adv_learning_rate=0.1"])
    assert [settings.model.precision for settings in found.trainings] == ["float32", "float64"] * 2


def test_checks_of_all_trainings():
    def fails():
        raise InputError("no room:\n  for rows\n  for columns")

    assert of_all(["a", "b"], [lambda: 1, lambda: 2]) == [1, 2]
    with pytest.raises(ConfigError, match="2 problems with the trainings of the sweep:\n  with b: for rows\n  with b: for"):
        of_all(["a", "b"], [lambda: 1, fails])
