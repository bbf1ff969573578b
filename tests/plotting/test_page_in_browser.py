"""Pages in a real browser: nothing is asked of the network, all images are visible, and a phone shows them whole."""

import pandas as pd
import pytest
from browser import PHONE, WIDE, faults_of, running_browser
from matplotlib.figure import Figure

from TauAdv.plotting.page import Picture, Section, write_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with running_browser() as found:
        yield found


@pytest.fixture
def page(tmp_path):
    """A page with everything that a page may hold, wider than a phone."""
    png = tmp_path / "plot of Djet.png"
    Figure((4, 3)).savefig(png)
    png.with_suffix(".pdf").write_bytes(b"%PDF-1.4\n")
    wide = pd.DataFrame({f"a long name of column {number}": [0.5, 1.5] for number in range(12)})
    sections = [
        Section("Verdict", lines=["data & MC differ < 1 %: " + "a-very-long-word" * 10]),
        Section("Numbers", table=wide, report="x" * 300),
        Section("Plots", "Two of them.", figures=[Picture(png, "Djet", "It closes.")] * 2, width=1000),
        Section("Plots", figures=[Picture(png, "again")]),
    ]
    return write_page(tmp_path / "index.html", "A title", sections, ["a warning"])


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_page(browser, page, width):
    assert faults_of(browser, page, width) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ('<img alt="gone" src="plot.png">', "asks for"),
        ('<img alt="gone" src="data:image/png;base64,AAAA">', "not visible: gone"),
        ('<img alt=" " src="data:image/png;base64,AAAA">', "without alt"),
        ('<div style="width: 2000px">wide</div>', "scrolls sideways"),
        ('<a href="#nowhere">x</a>', "leads nowhere: #nowhere"),
        ("<script>console.error('no')</script>", "console: no"),
        ("<script src='https://example.org/a.js'></script>", "asks for https://example.org/a.js"),
    ],
)
def test_faults_are_found(browser, page, wrong, fault):
    page.write_text(page.read_text().replace("</body>", f"{wrong}</body>"))
    assert any(fault in found for found in faults_of(browser, page, WIDE))
