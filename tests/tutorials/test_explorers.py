"""The explorers' numbers are the library's: their arithmetic in Node, their pages in Chromium."""

import json
import shutil
import subprocess
from itertools import product

import numpy as np
import pytest

from minis import ops
from tutorials.machinery.chapter import BOOK

EXPLORERS = BOOK / "explorers"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

CASES = [
    {"size": n, "kernel": k, "stride": s, "padding": p, "dilation": d, "outputPadding": e}
    for n, k, s, p, d, e in product((1, 2, 5), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2), (0, 1))
    if e < max(s, d)
]


def size_of_convolution(case) -> int:
    """Ask the library; 0 where the window doesn't fit."""
    options = {name: case[name] for name in ("stride", "padding", "dilation")}
    x, w = np.ones((1, 1, case["size"])), np.ones((1, 1, case["kernel"]))
    try:
        return ops.conv(x, w, **options).shape[2]
    except ValueError:
        return 0


def stamps(case) -> list[int]:
    """Ask the library how many stamps fall on each output; none where there is no output."""
    options = {name: case[name] for name in ("stride", "padding", "dilation")}
    x, w = np.ones((1, 1, case["size"])), np.ones((1, 1, case["kernel"]))
    try:
        y = ops.conv_transpose(x, w, output_padding=case["outputPadding"], **options)
    except ValueError:
        return []
    return [int(count) for count in y[0, 0]]


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_the_arithmetic_is_the_librarys() -> None:
    script = f"""
    const A = require({json.dumps(str(EXPLORERS / "arithmetic.js"))});
    const cases = {json.dumps(CASES)};
    console.log(JSON.stringify(cases.map((c) => ({{
      size: A.convolutionSize(c), overlaps: A.overlaps(c), before: A.sizesBefore(c),
      reads: Array.from({{length: A.convolutionSize(c)}}, (_, i) => A.reads(i, c)),
    }}))));
    """
    assert NODE is not None
    done = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    for case, found in zip(CASES, json.loads(done.stdout), strict=True):
        assert found["size"] == size_of_convolution(case), case
        assert found["overlaps"] == stamps(case), case
        for size in found["before"]:
            assert size_of_convolution({**case, "size": size}) == case["size"]
        options = {name: case[name] for name in ("stride", "padding", "dilation")}
        if found["size"]:
            ramp = np.arange(1.0, case["size"] + 1).reshape(1, 1, -1)
            y = ops.conv(ramp, np.ones((1, 1, case["kernel"])), **options)[0, 0]
            inside = [[c + 1 for c in cells if 0 <= c < case["size"]] for cells in found["reads"]]
            assert [sum(cells) for cells in inside] == y.tolist(), case


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """Open a page that fails the test where its console shows an error."""
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    problems: list[str] = []
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "data:")) else problems.append(asked.url)
        ),
    )
    yield opened
    assert problems == []
    opened.close()


def choose(page, case, names) -> None:
    """Move the sliders."""
    for name in names:
        page.eval_on_selector(
            f"#{name}",
            "(slider, value) => { slider.value = value;"
            " slider.dispatchEvent(new Event('input')); }",
            case[name],
        )


def test_convolution_arithmetic_on_the_page(page) -> None:
    page.goto((EXPLORERS / "conv_arithmetic.html").as_uri())
    names = ("size", "kernel", "stride", "padding", "dilation")
    for case in CASES[:: len(CASES) // 15]:
        plain = {**case, "outputPadding": 0}
        page.check("input[value=normal]")
        choose(page, plain, names)
        size = size_of_convolution(plain)
        assert page.get_attribute("#picture", "data-size") == str(size)
        assert page.text_content("#formula").endswith(f"= {size}")
        assert page.locator("#picture .can-pick").count() == size * size
        page.check("input[value=transposed]")
        assert page.get_attribute("#picture", "data-size") == str(len(stamps(plain)))


def test_pointing_at_an_output_marks_what_it_reads(page) -> None:
    page.goto((EXPLORERS / "conv_arithmetic.html").as_uri())
    page.click('[data-place="1,2"]')
    assert page.get_attribute("#picture", "data-read") == "1,2,3"
    assert page.locator("#picture .read").count() == 9
    assert "(1, 2) reads 9 cells" in page.text_content("#told")


def test_arrow_keys_choose_an_output(page) -> None:
    page.goto((EXPLORERS / "conv_arithmetic.html").as_uri())
    page.focus("#picture")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert "(1, 0) reads" in page.text_content("#told")


def test_transposed_convolution_on_the_page(page) -> None:
    page.goto((EXPLORERS / "transposed_convolution.html").as_uri())
    names = ("size", "kernel", "stride", "padding", "outputPadding")
    for case in CASES[:: len(CASES) // 15]:
        if case["dilation"] > 1 or case["outputPadding"] >= case["stride"]:
            continue
        choose(page, case, names)
        counts = stamps(case)
        assert page.get_attribute("#picture", "data-size") == str(len(counts))
        shown = page.get_attribute("#picture", "data-counts")
        assert [int(c) for c in shown.split(",") if c] == counts
