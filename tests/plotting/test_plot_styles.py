"""Looks of curves tell them apart, whatever their number."""

from types import SimpleNamespace

from TauAdv.plotting.plot_styles import disturbance_colors, line_styles, strengths


def test_no_two_runs_and_no_two_disturbances_look_the_same():
    runs = [f"run {number}" for number in range(30)]
    assert len({str(style) for style in line_styles(runs).values()}) == 30
    assert line_styles(runs)["run 0"] == "-"
    names = ["raw", "FGSM", "PGD", "noise", *(f"other {number}" for number in range(15))]
    colors = disturbance_colors(names)
    assert len({colors[name] for name in names}) == len(names)
    assert colors["raw"] == "black"


def test_disturbances_have_the_colours_of_their_attacks():
    attacks = {name: SimpleNamespace(color=color) for name, color in {"a": "#111111", "b": "#222222", "c": None}.items()}
    colors = disturbance_colors(["other", "c", "b", "a"], attacks)
    assert (colors["a"], colors["b"]) == ("#111111", "#222222")
    assert len(set(colors.values())) == 5  # raw among them
    twice = disturbance_colors(["weak", "strong"], dict.fromkeys(["weak", "strong"], attacks["a"]))
    assert twice["weak"] == "#111111" != twice["strong"]
    crowded = disturbance_colors(["c", "d"], {"d": SimpleNamespace(color=colors["c"])})
    assert crowded["d"] == colors["c"] != crowded["c"]


def test_strengths_in_words():
    def attack(eps, unit="spread"):
        return SimpleNamespace(eps=eps, unit=unit)

    known = {"FGSM": attack(0.1), "PGD": attack(0.1), "noise": attack({"*": 0.05, "jet_pt": 0.2})}
    known["resolved"] = attack(1.0, "resolution")
    assert strengths(known, ["raw", "FGSM", "PGD"]) == r"FGSM, PGD: $\epsilon$ = 0.1"
    assert (
        strengths(known, ["noise", "resolved"]) == r"noise: $\epsilon$ = 0.05 to 0.2; resolved: $\epsilon$ = 1 resolutions"
    )
    assert strengths(known, ["raw"]) == ""
