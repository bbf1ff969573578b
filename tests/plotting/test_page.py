import base64
import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from TauAdv.plotting.page import Picture, Section, write_page


@pytest.fixture
def picture(tmp_path):
    """A file under the name of a plot; the page reads its bytes alone."""
    (tmp_path / "plots").mkdir()
    path = tmp_path / "plots" / "roc of b?.png"
    path.write_bytes(b"pixels")
    return path


def written(tmp_path, *sections, **options):
    return write_page(tmp_path / "index.html", "A < B", sections, **options).read_text()


def test_text_is_escaped_and_the_page_is_well_formed(tmp_path, picture):
    part = Section(
        "A < B", "x & y", ["1 > 0"], pd.DataFrame({"<b>": ["<i>"]}), "<tt>", [Picture(picture, '"b" & c', "it's < 1")]
    )
    text = written(tmp_path, part, warnings=["trained <on> the test set"])
    body = ElementTree.fromstring(text[text.index("<body>") : text.index("</html>")])
    assert body.find("h1").text == "A < B"
    assert body.find("p").text == "trained <on> the test set"
    section = body.find("section")
    assert [section.find(tag).text for tag in ("h2", "p", "ul/li", "pre")] == ["A < B", "x & y", "1 > 0", "<tt>"]
    assert [cell.text for cell in section.iter("th")] == ["<b>", "<i>"]
    assert section.find(".//img").get("alt") == '"b" & c'
    assert section.find(".//figcaption").text.strip() == "it's < 1"
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert 'name="viewport"' in text


def test_figures_are_inside_and_the_pdf_is_linked_where_there_is_one(tmp_path, picture):
    part = Section("ROC", figures=[Picture(picture, "roc")])
    text = written(tmp_path, part)
    assert base64.b64decode(re.search('src="data:image/png;base64,([^"]+)"', text)[1]) == b"pixels"
    assert ".pdf" not in text
    picture.with_suffix(".pdf").touch()
    assert '<a href="plots/roc%20of%20b%3F.pdf">PDF</a>' in written(tmp_path, part)


def test_empty_sections_are_left_out(tmp_path):
    empty = [Section("nothing", "but a text"), Section("no rows", table=pd.DataFrame({"a": []}))]
    text = written(tmp_path, *empty, Section("Verdict", lines=["agrees"]))
    assert re.findall("<h2[^>]*>(.*)</h2>", text) == ["Verdict"]


def test_columns_without_a_value_are_left_out(tmp_path):
    table = pd.DataFrame({"run": ["-", "b"], "none": ["-", None], "one": [None, "1.0"]})
    text = written(tmp_path, Section("x", table=table))
    assert re.findall("<th scope=.col.>(.*?)</th>", text) == ["run", "one"]
    assert re.findall("<td>(.*?)</td>", text) == ["-", "1.0"]


def test_anchors_are_words_and_differ(tmp_path):
    parts = [Section(heading, lines=["x"]) for heading in ("In bins of pt", "in bins of p_T!", "In bins of pt", "τ")]
    assert re.findall('<h2 id="(.*?)"', written(tmp_path, *parts)) == [
        "in-bins-of-pt",
        "in-bins-of-p-t",
        "in-bins-of-pt-2",
        "section",
    ]
