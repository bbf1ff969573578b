import pytest
from specification_region import CONTRIBUTIONS

from TauAdv.domain.contributions.agreement import (
    Statement,
    as_record,
    carried_on,
    decisive,
    differences,
    of_file,
    of_manifest,
    require_agreement,
    resolve,
)
from TauAdv.domain.contributions.contribution import NamedContribution
from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import write_manifest

ONE = Statement("one", CONTRIBUTIONS)
SIDES = ((6, "first"), (60, "second"))


def changed(which, /, **changes):
    """The contributions with one of them changed."""
    return [entry.model_copy(update=changes) if entry.name == which else entry for entry in CONTRIBUTIONS]


def named(*names):
    return Statement("settings", [NamedContribution(name=name, dataset_id=number) for number, name in enumerate(names)])


def mixed(path, contributions=None):
    path.write_bytes(b"taus")
    more = {} if contributions is None else {"contributions": as_record(contributions)}
    write_manifest(path, step="mixing", settings={}, **more)
    return path


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (changed("TTT", name="fakes"), ["dataset_id 2: name 'TTT' / 'fakes'"]),
        (
            changed("TTT", label="jet fakes"),
            ["dataset_id 2: label '$t\\bar{t}$, genuine $\\tau$' / 'jet fakes'"],
        ),
        (changed("TTT", genuine=False), ["dataset_id 2: genuine true / false"]),
        (changed("WJ", data=True), ["dataset_id 5: data false / true"]),
        (CONTRIBUTIONS[:-1], ["dataset_id 1: 'DYT' in the first only"]),
        (
            changed("QCD", dataset_id=60),
            ["dataset_id 6: 'QCD' in the first only", "dataset_id 60: 'QCD' in the second only"],
        ),
        (changed("QCD", color="green"), []),
        (CONTRIBUTIONS[::-1], []),
    ],
)
def test_what_differs_is_named(other, expected):
    found = differences(ONE, Statement("other", other))
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))


def test_names_alone_are_compared_with_names():
    assert differences(ONE, named("data", "DYT", "TTT", "DYM", "TTJ", "WJ", "QCD")) == []
    assert "name 'TTT' / 'x'" in differences(ONE, named("data", "DYT", "x", "DYM", "TTJ", "WJ", "QCD"))[0]


def test_statements_that_differ_only_from_each_other_are_found():
    """Names alone agree with both."""
    first, second = ONE, Statement("two", changed("TTT", genuine=False))
    with pytest.raises(InputError, match="genuine true / false"):
        require_agreement([named("data", "DYT", "TTT", "DYM", "TTJ", "WJ", "QCD"), first, second])


def test_manifests_carry_them_on(tmp_path):
    path = mixed(tmp_path / "a.root", CONTRIBUTIONS)
    statement = of_file(path)
    assert statement.complete == CONTRIBUTIONS
    assert statement.source == str(path)
    assert of_file(tmp_path / "no.root") is None
    assert of_file(mixed(tmp_path / "old.root")) is None


@pytest.mark.parametrize("damaged", [[{"name": "a"}], ["a"], "text", 5, [{"name": "a", "dataset_id": "x"}]])
def test_damaged_manifests(damaged):
    with pytest.raises(InputError, match=r"a.root: its contributions cannot be read .*--overwrite"):
        of_manifest({"contributions": damaged}, "a.root")


def test_colours_and_order_decide_nothing():
    assert decisive(CONTRIBUTIONS) == decisive(changed("QCD", color="green")[::-1])
    for change in ({"name": "x"}, {"label": "x"}, {"genuine": True}, {"dataset_id": 9}):
        assert decisive(CONTRIBUTIONS) != decisive(changed("QCD", **change))


def test_what_tuples_are_made_of(tmp_path):
    first, same = (mixed(tmp_path / name, CONTRIBUTIONS) for name in ("a.root", "b.root"))
    other = mixed(tmp_path / "other.root", changed("TTT", genuine=False))
    old = mixed(tmp_path / "old.root")
    assert resolve([first, same], [None]).complete == CONTRIBUTIONS
    with pytest.raises(InputError, match=r"a.root and of .*other.root differ .*:\n  dataset_id 2: genuine true"):
        resolve([first, other], [])
    with pytest.raises(
        InputError, match=r"old.root: no manifest that says what its dataset ids stand for; write control_region: FILE"
    ):
        resolve([first, old], [])
    green = Statement("given", changed("QCD", color="green"))
    assert resolve([first, old], [green]) is green
    with pytest.raises(InputError, match=r"given and of .*other.root differ"):
        resolve([old, other], [green])
    # names alone do not hide what a manifest says
    assert resolve([first], [named("data", "DYT", "TTT", "DYM", "TTJ", "WJ", "QCD")]).complete == CONTRIBUTIONS
    with pytest.raises(InputError, match="no label and colour for data, DYT"):
        resolve([old], [named("data", "DYT")]).require_complete()


def test_outputs_with_the_same_taus_carry_it_on(tmp_path):
    first, other = mixed(tmp_path / "a.root", CONTRIBUTIONS), mixed(tmp_path / "b.root", changed("TTT", genuine=False))
    assert carried_on([first, first]) == {"contributions": as_record(CONTRIBUTIONS)}
    assert carried_on([first, mixed(tmp_path / "old.root")]) == {}
    assert carried_on([]) == {}
    with pytest.raises(InputError, match="cannot be put into one file"):
        carried_on([first, other])
