"""The page of a comparison: every number in it is in the JSON beside it, and a browser shows all of it."""

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from browser import PHONE, WIDE, faults_of, running_browser
from figure_checks import looked_at

from TauAdv.evaluation.adaptation.report import write_report
from TauAdv.evaluation.adaptation.settings import Label
from TauAdv.evaluation.adaptation.stacks import stacks_of
from TauAdv.evaluation.adaptation.text import shown_numbers
from TauAdv.evaluation.adaptation.verdict import verdict_lines
from TauAdv.plotting.adaptation.page import save_closure_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(comparison, tmp_path_factory):
    """A report with its page; every figure was looked at."""
    folder = tmp_path_factory.mktemp("report")
    label = Label(experiment="CMS Preliminary", luminosity="59.8 fb$^{-1}$", energy="13 TeV")
    labelled = replace(comparison, settings=comparison.settings.model_copy(update={"label": label}))
    stacks = {"adversarial": stacks_of(comparison.results["adversarial"], comparison.contributions)[-2:]}
    texts = {"verdict": verdict_lines(comparison), "numbers": shown_numbers(comparison)}
    with looked_at():
        write_report(labelled, folder)
        save_closure_page(labelled, folder, **texts, stacks=stacks)
    return folder


@pytest.fixture(scope="module")
def sections(report):
    """Heading -> its part of the page."""
    text = (report / "index.html").read_text()
    body = ElementTree.fromstring(text[text.index("<body>") : text.index("</html>")])
    return {section.find("h2").text: section for section in body.iter("section")}


def rows_of(section):
    """Return the rows of a table: texts of its cells by the names of the columns."""
    head, *rows = [[cell.text or "" for cell in row] for row in section.iter("tr")]
    return [dict(zip(head, row, strict=True)) for row in rows]


def numbers_in(content):
    """Return all numbers of some JSON, shares in percent too."""
    if isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from numbers_in(value)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield from (abs(content), 100 * abs(content))  # sentences give the size of a deviation


def is_among(text, known):
    """Whether a number as it is written is one of some numbers, rounded to its digits."""
    digits = len(text.partition(".")[2].partition("e")[0])
    return any(text in (f"{value:.{digits}f}", f"{value:.2g}", f"{value:.3g}", f"{value:g}") for value in known)


NUMBER = re.compile(r"(?<![\w.=])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.]*\w)")
#: What stands in sentences and is no result: names of bins, a perfect ratio, paths of sets.
NO_RESULT = re.compile(
    r"decay mode \d+|pT \w+ (\d+ to )?[\d.]+ GeV|\|eta\| (\w+ )?[\d.]+( to [\d.]+)?|(stays at|Below) 1|above 0\.9|/\S+"
)


def test_numbers_of_the_table_are_those_of_the_run_in_the_json(report, sections):
    content = json.loads((report / "comparison.json").read_text())
    rows = rows_of(sections["Numbers"])
    assert len(rows) > 15
    for label, run in content["runs"].items():
        of_modes = [row for row in run["bins"]["table"] if row["variable"] == "decay mode" and row["quantity"] == "rate"]
        pool = [{key: value for key, value in run.items() if key != "bins"}, run["bins"]["global_p_value"], of_modes]
        known = [value for part in pool for value in numbers_in(part)]
        for row in rows:
            found = NUMBER.findall(row[label].removesuffix("(reference)"))
            assert found or row[label] == "-"
            for number in found:
                assert number == "1" or is_among(number, known), (label, row)


def test_rows_above_thresholds_are_those_of_the_json(report, sections):
    content = json.loads((report / "comparison.json").read_text())
    rows = rows_of(sections["Above thresholds of the score"])
    regions = [(label, region) for label, run in content["runs"].items() for region in run["regions"]]
    assert len(rows) == len(regions) > 20
    for row, (label, region) in zip(rows, regions, strict=True):
        assert (row["run"], row["region"]) == (label, region["name"])
        assert (row["data"], row["verdict"]) == (str(region["data"]), region["verdict"])
        expected = f"{region['rate']:.3f} ± {region['rate_error']:.3f}"
        assert row["data/MC"] == expected


def test_numbers_of_the_sentences_are_in_the_json(report, sections, comparison):
    content = json.loads((report / "comparison.json").read_text())
    runs = content["runs"].values()
    known = list(
        numbers_in([content["settings"], content["counts"], *([run["closure"], run["jet_mis_id_ratio"]] for run in runs)])
    )
    known += [value for run in runs for value in numbers_in([run["bins"]["table"], run["bins"]["global_p_value"]])]
    texts = [item.text for item in sections["In short"].iter("li")]
    texts += [caption.text for section in sections.values() for caption in section.iter("figcaption")]
    assert texts[: len(verdict_lines(comparison))] == verdict_lines(comparison)
    for text in texts:
        for number in NUMBER.findall(NO_RESULT.sub("", text)):
            assert is_among(number, known), text


def test_scale_factors_are_those_of_the_json(report, sections, comparison):
    content = json.loads((report / "comparison.json").read_text())["scale_factors"]
    section = sections["Scale factors"]
    measured = [result.scale_factors.found for result in comparison.results.values()]
    assert content["explanation"] in section.find("p").text
    assert set(content["none"]) | set(content["runs"]) == set(comparison.results)
    assert (report / "scale_factors.csv").is_file() == any(measured)
    assert len(list(section.iter("li"))) > 0
    assert all(measured)
    rows = rows_of(section)
    known = list(numbers_in([content["improvements"], content["summaries"]]))
    assert len(rows) == 8 * 2
    for row, expected in zip(rows, content["improvements"], strict=True):
        assert (row["working point"], row["entry"]) == (f"{expected['working_point']} vs jet", expected["entry"])
        sides = [
            f"{expected[f'inclusive_{side}']:.3f} ± {expected[f'inclusive_error_{side}']:.3f}"
            for side in ("before", "after")
        ]
        assert row["inclusive scale factor"] == " → ".join(sides)
        assert row["mean uncertainty"] == f"{expected['error_before']:.3f} → {expected['error_after']:.3f}"
        assert row["mean distance from 1"] == f"{expected['distance_before']:.3f} → {expected['distance_after']:.3f}"
    for item in section.iter("li"):
        for number in NUMBER.findall(item.text.removeprefix("k2=0")):
            assert is_among(number, known) or number == "1" or "working point" in item.text, item.text


def test_page_in_a_browser(report, sections):
    with running_browser() as browser:
        for width in (WIDE, PHONE):
            assert faults_of(browser, report / "index.html", width) == []


def test_every_figure_has_a_sentence_and_its_pdf(report, sections):
    figures = [figure for section in sections.values() for figure in section.iter("figure")]
    assert len(figures) == len([*report.rglob("*.png")]) > 8
    for figure in figures:
        assert figure.find("figcaption").text.strip().endswith(".")
        assert (report / figure.find("figcaption/a").get("href")).is_file()
    assert sections["Scores of adversarial"].findall(".//figure")
    assert "Scores of nominal" not in sections
