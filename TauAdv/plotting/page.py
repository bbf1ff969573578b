"""One HTML page of a report: text, tables and the plots that lie beside it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from TauAdv.io.atomic import write_text
from TauAdv.io.locks import output_lock

__all__ = ["Section", "write_page"]

_STYLE = """
body { font-family: sans-serif; max-width: 1500px; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; font-size: 0.9em; }
td, th { border: 1px solid #bbb; padding: 0.25em 0.6em; text-align: right; }
td:first-child, th:first-child { text-align: left; }
pre { background: #f4f4f4; padding: 1em; overflow-x: auto; }
img { margin: 0.4em; vertical-align: top; max-width: 100%; }
.warning { color: #a00; }
"""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        heading: of the part.
        text: sentences below the heading.
        lines: a list below it.
        table: shown as it is; format its numbers before.
        report: preformatted text.
        figures: PNG files in the page's folder; each links to the PDF of the same name where there is one.
        width: of a figure, in pixels.
    """

    heading: str
    text: str = ""
    lines: Sequence[str] = ()
    table: pd.DataFrame | None = None
    report: str = ""
    figures: Sequence[Path] = ()
    width: int = 460


def write_page(path: Path | str, title: str, sections: Sequence[Section], warnings: Sequence[str] = ()) -> Path:
    """Write a page (atomically) and return its path; the figures are referred to relative to it."""
    path = Path(path)
    links = "".join(f"<li><a href='#{number}'>{html.escape(part.heading)}</a></li>" for number, part in enumerate(sections))
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [f"<p class='warning'>{html.escape(text)}</p>" for text in warnings]
    body.append(f"<ul>{links}</ul>")
    for number, part in enumerate(sections):
        body += [f"<h2 id='{number}'>{html.escape(part.heading)}</h2>", *_content(part, path.parent)]
    head = (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
    )
    with output_lock(path, wait=True):
        write_text(path, "\n".join([f"{head}<body>", *body, "</body></html>\n"]))
    return path


def _content(part: Section, folder: Path) -> list[str]:
    found = []
    if part.text:
        found.append(f"<p>{html.escape(part.text)}</p>")
    if part.lines:
        found.append("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in part.lines) + "</ul>")
    if part.report:
        found.append(f"<pre>{html.escape(part.report)}</pre>")
    if part.table is not None:
        found.append(part.table.to_html(index=False, border=0, na_rep="-"))
    for figure in part.figures:
        name = html.escape(str(figure.relative_to(folder)))
        vector = figure.with_suffix(".pdf")
        target = html.escape(str(vector.relative_to(folder))) if vector.exists() else name
        found.append(f"<a href='{target}'><img src='{name}' width='{part.width}' alt='{name}'></a>")
    return found
