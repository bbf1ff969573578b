"""Configurations of the package: found by name, never instead of a file that is missing."""

import pytest
from training_classes import load_adversarial

from TauAdv.cli import main
from TauAdv.config import load_settings, read_yaml
from TauAdv.config.shipped import config_file, shipped_config, shipped_configs
from TauAdv.domain.contributions.control_region import load_control_region
from TauAdv.errors import ConfigError
from TauAdv.production.pt_weights.settings import PtWeightsSettings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_configuration_says_which_command_takes_it(repository):
    found = shipped_configs()
    assert set(found) == {path.stem for path in (repository / "TauAdv/configs").iterdir()}
    for name, title in found.items():
        commands, separator, text = title.partition(": ")
        assert separator, name
        assert text, name
        for command in commands.split(", "):
            assert f"\n## tauadv {command}\n" in (repository / "docs/commands.md").read_text(), name


def test_settings_by_name():
    assert load_adversarial("adversarial_deeptau_v2p5").method.adv_parameter == (1, 10)
    assert read_yaml("jet_nominal")["method"] == "none"


def test_a_file_of_that_name_wins(empty_folder):
    (empty_folder / "jet_nominal").write_text("method: mine\n")
    assert read_yaml("jet_nominal")["method"] == "mine"


def test_a_folder_of_that_name_does_not(empty_folder):
    (empty_folder / "jet_nominal").mkdir()
    assert config_file("jet_nominal") == shipped_config("jet_nominal")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("jet_nominal.yaml", "the package has one of that name: write jet_nominal, without folder and ending"),
        ("Training/configs/jet_nominal.yaml", "the package has one of that name: write jet_nominal,"),
        ("Production/configs/control_region.yaml", "the package has one of that name: write control_region,"),
        ("jet_nominl", r"\(did you mean 'jet_nominal'\?\); tauadv configs lists those of the package"),
        ("mine.yaml", "mine.yaml: no such configuration file$"),
        ("a/b", "a/b: no such configuration file$"),
    ],
)
def test_a_missing_file_is_never_replaced(name, hint):
    with pytest.raises(ConfigError, match=hint):
        read_yaml(name)


def test_control_region_of_the_package_or_beside(empty_folder):
    mine = empty_folder / "mine.yaml"
    mine.write_text("control_region: control_region\n")
    region = load_control_region("control_region")
    assert load_settings(PtWeightsSettings, mine).control_region == region
    # a file in the folder of the configuration wins; one that is missing there is not replaced
    (empty_folder / "inner").mkdir()
    (empty_folder / "inner/control_region").write_text("contributions: []\n")
    (empty_folder / "inner/mine.yaml").write_text("control_region: control_region\n")
    with pytest.raises(ConfigError, match="inner/control_region: line 1: contributions"):
        load_settings(PtWeightsSettings, empty_folder / "inner/mine.yaml")
    mine.write_text("control_region: control_region.yaml\n")
    with pytest.raises(ConfigError, match=r"control_region\.yaml: no such configuration file; the package has one"):
        load_settings(PtWeightsSettings, mine)


def test_list_print_and_copy(empty_folder, capsys):
    main(["configs"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(shipped_configs())
    main(["configs", "pt_weights"])
    text = capsys.readouterr().out
    assert text == shipped_config("pt_weights").read_text()
    main(["configs", "pt_weights", "--copy", "mine.yaml"])
    assert (empty_folder / "mine.yaml").read_text() == text
    assert load_settings(PtWeightsSettings, "mine.yaml") == load_settings(PtWeightsSettings, "pt_weights")
    capsys.readouterr()
    (empty_folder / "mine.yaml").write_text("edges: [1, 2]\n")
    with pytest.raises(SystemExit, match="2"):
        main(["configs", "pt_weights", "--copy", "mine.yaml"])
    assert "mine.yaml: is there already; choose another file, or add --overwrite" in capsys.readouterr().err
    assert (empty_folder / "mine.yaml").read_text() == "edges: [1, 2]\n"
    main(["configs", "pt_weights", "--copy", "mine.yaml", "--overwrite"])
    assert (empty_folder / "mine.yaml").read_text() == text


def test_no_such_configuration(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["configs", "pt_weigths"])
    assert "pt_weigths: no such configuration (did you mean 'pt_weights'?)" in capsys.readouterr().err


def test_titles_are_whole_sentences():
    for name, title in shipped_configs().items():
        assert title.endswith("."), name
        assert "\n" not in title, name


def test_names_of_files_beside_it(empty_folder):
    (empty_folder / "inner").mkdir()
    for path in ("mine.yaml", "inner/fgsm.yaml"):
        (empty_folder / path).write_text("{}")
    for wrong, right in (("mine.yml", "mine.yaml"), ("inner/fgms.yaml", "inner/fgsm.yaml")):
        with pytest.raises(ConfigError, match=rf"no such configuration file \(did you mean '{right}'\?\)$"):
            read_yaml(wrong)
