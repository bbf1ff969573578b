import pytest
import yaml
from specification_region import FILE, REGION

from TauAdv.config import load_settings
from TauAdv.domain.contributions.control_region import load_control_region
from TauAdv.errors import ConfigError
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.pt_weights.settings import PtWeightsSettings


def content():
    return yaml.safe_load(FILE.read_text())


def write(path, what):
    path.write_text(yaml.safe_dump(what, sort_keys=False))
    return path


def test_shipped_region_is_the_table_of_the_specification():
    assert {name: entry.per_batch for name, entry in REGION.mixing.items()} == {
        "data": 50, "DYT": 36, "TTT": 2, "WJ": 5, "QCD": 5, "TTJ": 1, "DYM": 1
    }  # fmt: skip
    shares = {name: target.fraction for name, target in REGION.targets.items()}
    assert shares == {"DYT": 0.72, "TTT": 0.04, "DYM": 0.02, "TTJ": 0.02, "WJ": 0.1, "QCD": 0.1}
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["mixing"].pop("WJ"), "mixing: expected an entry for each of .*: missing WJ"),
        (
            lambda c: c["mixing"].update(Wj=c["mixing"].pop("WJ")),
            r"mixing: .*unknown Wj \(did you mean 'WJ'\?\); missing WJ",
        ),
        (lambda c: c["targets"].update(data={"fraction": 1}), "targets: .*unknown data"),
        (lambda c: c["targets"].pop("QCD"), "targets: .*missing QCD"),
        (lambda c: c["targets"].update(QCD={"fraction": 0.3}), "the fractions sum to 1.2"),
        (lambda c: c["targets"].update(QCD={"fraction": 10}), "targets.QCD.fraction: expected at most 1"),
        (lambda c: c["targets"].update(QCD={"fraction": 0.1, "target": "a/b"}), "give either target"),
        (lambda c: c["targets"].update(QCD={}), "give either target"),
        (lambda c: c["mixing"]["QCD"].update(per_batch=0), "mixing.QCD.per_batch: expected at least 1"),
        (lambda c: c.pop("contributions"), "contributions: required"),
        (lambda c: c["contributions"][1].update(name="QCD"), "every name may occur once; more than once: QCD"),
        (lambda c: c["contributions"][2].update(color="?"), "contributions.2.color: expected a colour"),
    ],
)
def test_bad_files(tmp_path, change, message):
    changed = content()
    change(changed)
    with pytest.raises(ConfigError, match=message):
        load_control_region(write(tmp_path / "region.yaml", changed))


def test_list_of_earlier_versions_is_told_what_to_write(tmp_path):
    path = write(tmp_path / "contributions.yaml", content()["contributions"])
    with pytest.raises(ConfigError, match=r"contributions.yaml: a list; write 'contributions:' above it"):
        load_control_region(path)
    path.write_text("contributions:\n" + path.read_text())
    assert load_control_region(path).contributions == REGION.contributions


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        load_control_region(tmp_path / "nowhere.yaml")


def test_relative_names_start_from_the_file_that_names_them(tmp_path, monkeypatch):
    """Another region of the same name in the current folder is not taken."""
    (tmp_path / "configs").mkdir()
    other = content()
    other["contributions"][1]["dataset_id"] = 40
    write(tmp_path / "control_region.yaml", other)
    write(tmp_path / "configs/control_region.yaml", content())
    settings = {"control_region": "control_region.yaml", "outputs": {"a": {"file": "a.root", "batches": 1}}}
    config = write(tmp_path / "configs/mix.yaml", settings)
    monkeypatch.chdir(tmp_path)
    assert load_settings(MixingSettings, config).control_region.contributions == REGION.contributions
    typed = load_settings(MixingSettings, config, ["control_region=control_region.yaml"])
    assert typed.control_region.named("TTJ").dataset_id == 40
    absolute = load_settings(MixingSettings, config, {"control_region": str(FILE)})
    assert absolute.control_region.contributions == REGION.contributions


@pytest.mark.parametrize(
    ("kind", "group", "more"),
    [(MixingSettings, "mixing", {"outputs": {"a": {"file": "a.root", "batches": 1}}}), (PtWeightsSettings, "targets", {})],
)
def test_region_without_what_a_step_needs(tmp_path, kind, group, more):
    changed = content()
    del changed[group]
    write(tmp_path / "region.yaml", changed)
    config = write(tmp_path / "step.yaml", {"control_region": "region.yaml", **more})
    with pytest.raises(ConfigError, match=f"control_region: says nothing of .*write there '{group}:'"):
        load_settings(kind, config)


def test_errors_name_the_file_of_the_region(tmp_path):
    changed = content()
    changed["contributions"][1]["dataset_id"] = 5
    config = write(tmp_path / "weights.yaml", {"control_region": "region.yaml"})
    path = write(tmp_path / "region.yaml", changed)
    with pytest.raises(ConfigError) as caught:
        load_settings(PtWeightsSettings, config)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{config}: 1 setting not accepted:"
    assert lines[1:] == [f"  line 1: control_region: {path}: every dataset_id may occur once; more than once: 5"]
