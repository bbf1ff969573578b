from types import SimpleNamespace

from matplotlib import pyplot

from TauAdv.plotting.adversarial import plot_adversarial


def test_means_and_widths_are_written(histogram, contributions):
    def measured(value):
        return SimpleNamespace(value=value, error=0.0003)

    moments = {"data": (measured(0.4954), measured(0.013)), "MC": (measured(0.4943), measured(0.014))}
    main = plot_adversarial(histogram, contributions, moments).axes[0]
    text = "\n".join(text.get_text() for text in main.texts)
    assert "data: mean 0.4954 ± 0.0003, width 0.0130 ± 0.0003" in text
    assert "MC: mean 0.4943 ± 0.0003" in text
    pyplot.close("all")
