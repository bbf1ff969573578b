import matplotlib
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from TauAdv.errors import InputError
from TauAdv.plotting.style import label_figure, labelled, save_figure, style, with_ratio_panel


def test_style_changes_nothing_outside():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["figure.figsize"] == [8, 8]
    assert dict(matplotlib.rcParams) == before


def test_saving_writes_pdf_and_png_and_closes(tmp_path):
    figure, main, ratio = with_ratio_panel()
    paths = save_figure(figure, tmp_path / "new" / "plots", "adversarial_Djet")
    assert [path.name for path in paths] == ["adversarial_Djet.pdf", "adversarial_Djet.png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []
    assert main.get_position().height > 2 * ratio.get_position().height


def test_equal_figures_are_equal_files(tmp_path):
    contents = []
    for name in ("a", "b"):
        figure, main, _ = with_ratio_panel()
        main.plot([0, 1])
        contents.append([path.read_bytes() for path in save_figure(figure, tmp_path, name)])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("folder", ["", " "])
def test_plots_need_a_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="save_figure: folder: empty"):
        save_figure(Figure(), folder, "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "/x", ""])
def test_plots_stay_in_their_folder(name, tmp_path):
    with pytest.raises(InputError, match="name"):
        save_figure(Figure(), tmp_path / "plots", name)
    assert not list(tmp_path.iterdir())


def test_labels_of_an_experiment_are_written_within_the_block_alone():
    def texts():
        with style():
            _, axes = pyplot.subplots()
            label_figure(axes, "control region")
        return [text.get_text() for text in axes.texts]

    with labelled("CMS Preliminary", "59.8 fb$^{-1}$", "13 TeV"):
        assert texts() == ["CMS Preliminary", "control region, 59.8 fb$^{-1}$ (13 TeV)"]
    with labelled(energy="13.6 TeV"):
        assert texts() == ["TauAdv", "control region, 13.6 TeV"]
    assert texts() == ["TauAdv", "control region"]
