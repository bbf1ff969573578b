"""One HTML page of a report in one file: text, tables and the plots inside, so that it can be mailed."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from TauAdv.io.atomic import write_text
from TauAdv.io.locks import output_lock

__all__ = ["Picture", "Section", "write_page"]

NOTHING = "-"

_STYLE = """
:root { color-scheme: light; }
body { font-family: system-ui, sans-serif; line-height: 1.45; max-width: 1500px; margin: 1.5em auto; padding: 0 1em;
  color: #222; background: #fff; overflow-wrap: break-word; }
h1 { line-height: 1.2; }
h2 { margin-top: 2em; border-bottom: 1px solid #ccc; }
p, ul, figcaption { max-width: 60em; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3em 1.5em; list-style: none; padding: 0; max-width: none; }
.scroll { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; font-size: 0.9em; }
td, th { border: 1px solid #bbb; padding: 0.25em 0.6em; text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
th { background: #f4f4f4; font-weight: 600; }
pre { background: #f4f4f4; padding: 1em; overflow-x: auto; font-size: 0.85em; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
img { display: block; width: 100%; height: auto; }
figcaption { font-size: 0.9em; margin-top: 0.4em; }
.warning { color: #a00; }
@media (max-width: 600px) {
  body { padding: 0 0.7em; margin: 0.7em auto; }
  ul { padding-left: 1.2em; }
  th:first-child { white-space: normal; min-width: 8em; }
}
"""


@dataclass(frozen=True)
class Picture:
    """A figure of a page.

    Attributes:
        path: PNG file in the folder of the page; the PDF of the same name is linked where there is one.
        alt: what it shows, for those who do not see it.
        caption: a sentence below it that says what it means.
    """

    path: Path
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page. It is left out if nothing follows its heading and its text.

    Attributes:
        heading: of the part.
        text: sentences that introduce what follows.
        lines: a list below them.
        table: shown as it is; format its numbers before. Columns in which no row has a value are left out.
        report: preformatted text.
        figures: below it.
        width: of a figure, in pixels; on a narrow screen that of the screen.
    """

    heading: str
    text: str = ""
    lines: Sequence[str] = ()
    table: pd.DataFrame | None = None
    report: str = ""
    figures: Sequence[Picture] = ()
    width: int = 460

    @property
    def is_empty(self) -> bool:
        """Whether nothing follows the text."""
        return not (self.lines or self.report or self.figures or (self.table is not None and len(self.table)))


def write_page(path: Path | str, title: str, sections: Sequence[Section], warnings: Sequence[str] = ()) -> Path:
    """Write a page (atomically) and return its path; it holds its figures and needs no other file, network or script."""
    path = Path(path)
    anchors = _anchors([part for part in sections if not part.is_empty])
    links = "".join(f'<li><a href="#{anchor}">{html.escape(part.heading)}</a></li>' for anchor, part in anchors.items())
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [f'<p class="warning">{html.escape(text)}</p>' for text in warnings]
    body += [f"<nav><ul>{links}</ul></nav>"] if links else []
    for anchor, part in anchors.items():
        heading = f'<h2 id="{anchor}">{html.escape(part.heading)}</h2>'
        body += ["<section>", heading, *_content(part, path.parent), "</section>"]
    with output_lock(path, wait=True):
        write_text(path, "\n".join([*_head(title), "<body>", *body, "</body>", "</html>\n"]))
    return path


def _head(title: str) -> list[str]:
    return [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
    ]


def _anchors(sections: Sequence[Section]) -> dict[str, Section]:
    """Return anchor -> section: the heading in small letters, so that a link stays right when a section is added."""
    found: dict[str, Section] = {}
    for part in sections:
        words = re.sub(r"[^a-z0-9]+", "-", part.heading.lower()).strip("-") or "section"
        number, anchor = 1, words
        while anchor in found:
            number, anchor = number + 1, f"{words}-{number + 1}"
        found[anchor] = part
    return found


def _content(part: Section, folder: Path) -> list[str]:
    found = []
    if part.text:
        found.append(f"<p>{html.escape(part.text)}</p>")
    if part.lines:
        found.append("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in part.lines) + "</ul>")
    if part.report:
        found.append(f'<pre tabindex="0">{html.escape(part.report)}</pre>')
    if part.table is not None and len(part.table):
        found.append(_table(part.table))
    if part.figures:
        found += ['<div class="figures">', *(_figure(each, folder, part.width) for each in part.figures), "</div>"]
    return found


def _table(table: pd.DataFrame) -> str:
    """Return a table that scrolls inside its box where the screen is narrow; its first column names the rows."""
    cells = table.astype(object).where(table.notna(), NOTHING).astype(str)
    kept = [number for number in range(cells.shape[1]) if number == 0 or (cells.iloc[:, number] != NOTHING).any()]
    cells = cells.iloc[:, kept]
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in cells.columns)
    rows = [_row([html.escape(cell) for cell in row]) for row in cells.itertuples(index=False, name=None)]
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll" tabindex="0"><table>{body}</table></div>'


def _row(cells: Sequence[str]) -> str:
    values = "".join(f"<td>{cell}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{cells[0]}</th>{values}</tr>'


def _figure(picture: Picture, folder: Path, width: int) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    image = f'<img alt="{html.escape(picture.alt)}" src="data:image/png;base64,{data}" />'
    vector = picture.path.with_suffix(".pdf")
    link = f' <a href="{quote(vector.relative_to(folder).as_posix())}">PDF</a>' if vector.exists() else ""
    caption = f"<figcaption>{html.escape(picture.caption)}{link}</figcaption>" if picture.caption or link else ""
    return f'<figure style="width: {width}px">{image}{caption}</figure>'
