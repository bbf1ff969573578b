import numpy as np
import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.evaluation.contributions import check_dataset_ids, genuine_ids, load_contributions


def test_default_is_the_specification():
    found = {entry.dataset_id: entry.name for entry in load_contributions()}
    assert found == {0: "data", 1: "DYT", 2: "TTT", 3: "DYM", 4: "TTJ", 5: "WJ", 6: "QCD"}
    assert sorted(genuine_ids(load_contributions())) == [1, 2]
    # bottom of the stack first, after data
    assert [entry.name for entry in load_contributions()][1:] == ["TTJ", "QCD", "WJ", "DYM", "TTT", "DYT"]


def test_unknown_rows_are_named():
    with pytest.raises(InputError, match=r"\{9: 2\}"):
        check_dataset_ids(np.array([0, 1, 9, 9]), load_contributions())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "not a list"),
        ("- {name: a, dataset_id: 0, label: a, colour: red}", "colour"),
        ("- {name: a, dataset_id: 0, label: a, color: red}", "exactly one"),
        (
            "- {name: a, dataset_id: 0, label: a, color: red, data: true}\n- {name: b, dataset_id: 0, label: a, color: red}",
            "every dataset_id",
        ),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "contributions.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_contributions(path)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        load_contributions(tmp_path / "nowhere.yaml")
