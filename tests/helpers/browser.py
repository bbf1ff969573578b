"""A real browser without a network, and what it finds wrong with a page that is opened in it."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

WIDE, PHONE = 1400, 390


@contextmanager
def running_browser():
    """Yield the system's Chromium, without window; skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright (extra 'test') drives the browser")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def faults_of(browser, path: Path, width: int) -> list[str]:
    """Return what is wrong with a page at a width in pixels: an empty list for a good one."""
    faults: list[str] = []
    with _opened(browser, path, width, faults) as page:
        faults += page.evaluate(_FAULTS)
    return faults


@contextmanager
def _opened(browser, path: Path, width: int, faults: list[str]):
    page = browser.new_page(viewport={"width": width, "height": 900})

    def route(request):
        if request.request.url == path.as_uri():
            request.continue_()
        else:
            faults.append(f"asks for {request.request.url}")
            request.abort()

    page.route("**/*", route)
    page.context.set_offline(True)
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.goto(path.as_uri())
    yield page
    page.close()


_FAULTS = """() => {
  const faults = [], wide = document.documentElement.clientWidth;
  if (document.compatMode !== "CSS1Compat") faults.push("not HTML5");
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  if (document.documentElement.scrollWidth > wide) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  for (const image of document.images) {
    if (!(image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 0))
      faults.push(`not visible: ${image.alt}`);
    if (!image.alt.trim()) faults.push("an image without alt text");
    if (image.getBoundingClientRect().right > wide + 1) faults.push(`leaves the page: ${image.alt}`);
  }
  const names = [...document.querySelectorAll("[id]")].map(each => each.id);
  if (new Set(names).size < names.length) faults.push("anchors twice");
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) faults.push(`leads nowhere: ${link.hash}`);
  return faults;
}"""
