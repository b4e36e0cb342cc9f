"""The book's site: built without a warning, and each page opened in Chromium."""

import functools
import http.server
import shutil
import threading
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tutorials.machinery.chapter import chapters
from tutorials.machinery.links import anchors
from tutorials.machinery.site import for_the_site, main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = ("sphinx", "myst_parser", "furo", "sphinx_copybutton", "sphinx-mathjax-offline")

# what a page must have when it stands still
STATE = """() => ({
  images: [...document.images].filter((i) => !i.complete || !i.naturalWidth).map((i) => i.src),
  formulas: document.querySelectorAll(".math").length,
  set: document.querySelectorAll(".math mjx-container").length,
  wrong: document.querySelectorAll("mjx-merror, [data-mml-node=merror]").length,
  wide: [...document.querySelectorAll("article *")].filter((e) => {
    if (e.getBoundingClientRect().right <= innerWidth) return false;
    if (e.closest("svg, mjx-assistive-mml")) return false;
    for (let around = e; around.tagName !== "ARTICLE"; around = around.parentElement) {
      if (getComputedStyle(around).overflowX !== "visible") return false; // it scrolls by itself
    }
    return true;
  }).map((e) => e.outerHTML.slice(0, 80)),
  cut: [...document.querySelectorAll("iframe")].filter((f) => {
    const page = f.contentDocument.documentElement;
    return page.scrollHeight > f.clientHeight || page.scrollWidth > f.clientWidth;
  }).length,
})"""


def test_links_that_the_site_turns_elsewhere() -> None:
    text = (
        "[a](../minis/ops/conv.py) [b](notebooks) [c](02_convolution.md#loops) ![d](figures/d.svg)"
    )
    a, b, c, d = for_the_site(text).split(" [")[0], *for_the_site(text).split(" ")[2:]
    assert a == '<a href="_modules/minis/ops/conv.html">a</a>'
    assert b.startswith("[b](https://")
    assert c == "[c](02_convolution.md#loops)"
    assert d == "![d](figures/d.svg)"
    shown = for_the_site("[Play](explorers/conv_arithmetic.html)")
    assert '<iframe class="explorer" src="explorers/conv_arithmetic.html"' in shown


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    for name in NEEDED:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: the extra `docs` has it")
    folder = tmp_path_factory.mktemp("site")
    assert main(["--folder", str(folder)]) == 0, "Sphinx warned: see what it printed"
    return folder / "html"


class Page(HTMLParser):
    """What a page links to, and the ids that one can link to in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.targets, self.ids = file, set[str](), {"", "top"}
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag != "link" or "canonical" not in (given.get("rel") or ""):
            self.targets |= {t for name in ("href", "src") if (t := given.get(name))}


@pytest.mark.slow
def test_links_lead_somewhere(site) -> None:
    pages = {file: Page(file) for file in site.rglob("*.html")}
    broken = []
    for file, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme in ("http", "https", "data", "javascript"):
                continue
            to = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            known = pages[to].ids if to in pages else {""}
            if not to.is_file() or (to in pages and unquote(parts.fragment) not in known):
                broken.append(f"{file.relative_to(site)}: {target}")
    assert broken == []
    assert len(pages) > len(chapters())


@pytest.mark.slow
def test_headings_keep_the_anchors_that_github_gives_them(site) -> None:
    for path in chapters():
        missing = anchors(path.read_text(encoding="utf-8")) - Page(site / f"{path.stem}.html").ids
        assert missing == set(), path.name


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_args) -> None:
            """The browser may close a connection."""

    serve = functools.partial(Quiet, directory=str(site))
    with Server(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_in_a_browser(site, address, width) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    problems: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "requestfailed",
            lambda asked: problems.append(f"{asked.failure}: {asked.url} in {page.url}"),
        )
        page.on("response", lambda r: problems.append(r.url) if r.status >= 400 else None)
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((address, "data:")) else problems.append(asked.url)
            ),
        )
        names = [path.relative_to(site) for path in sorted(site.rglob("*.html"))]
        for name in names:
            if "_modules" in name.parts:
                continue
            page.goto(f"{address}/{name}")
            page.wait_for_load_state("networkidle")
            for frame in page.query_selector_all("iframe"):
                frame.scroll_into_view_if_needed()  # it loads when it is seen
                inside = frame.content_frame()
                inside.wait_for_url("**/explorers/*")
                inside.wait_for_load_state("networkidle")
            page.wait_for_function("!window.MathJax?.startup || MathJax.startup.promise")
            page.evaluate("window.MathJax?.startup?.promise")
            page.evaluate("() => new Promise(requestAnimationFrame)")
            state = page.evaluate(STATE)
            problems += [f"{name}: no picture {source}" for source in state["images"]]
            if state["set"] < state["formulas"] or state["wrong"]:
                problems.append(f"{name}: {state['formulas']} formulas, {state}")
            if state["wide"] or state["cut"]:
                problems.append(f"{name}: wider than the page, or an explorer is cut: {state}")
        browser.close()
    assert problems == []
