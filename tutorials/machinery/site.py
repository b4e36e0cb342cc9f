"""The book as a site: `python -m tutorials.machinery.site` (or `make book`) writes site/html.

The sources are laid out in site/source: the chapters, the reference of the library's functions from
their docstrings, explorers in place of the links to them. Sphinx takes every warning for an error.
Nothing is fetched: MathJax comes from an installed package.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from .chapter import BOOK, chapters

HERE = Path(__file__).parent / "sphinx"
MATHJAX = "sphinx-mathjax-offline"
SITE = BOOK.parent / "site"
EXPLORER = re.compile(r"^\[([^\]]+)\]\((explorers/[\w]+\.html)\)$", re.MULTILINE)

# the library's modules that have a page in the reference, by the page's title
REFERENCE = {
    "Operations": ["minis.ops"],
    "Layers": ["minis.nn"],
    "Networks": ["minis.models"],
    "Training": ["minis.training"],
    "Data": ["minis.data"],
    "Learning": ["minis.learn"],
    "Pictures": ["minis.show", "minis.learn.drawing"],
}


def lay_out(source: Path) -> None:
    """Write Sphinx's sources into a folder, which is emptied first."""
    shutil.rmtree(source, ignore_errors=True)
    (source / "_static").mkdir(parents=True)
    for name in ("conf.py", "book.css"):
        shutil.copyfile(HERE / name, source / ("_static" if name.endswith("css") else ".") / name)
    shutil.copytree(BOOK / "figures", source / "figures")
    shutil.copytree(BOOK / "explorers", source / "extra" / "explorers")
    shutil.copytree(_mathjax(), source / "_static" / "mathjax")
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        (source / path.name).write_text(_in_place(text), encoding="utf-8")
    pages = _reference(source / "reference")
    index = (BOOK / "README.md").read_text(encoding="utf-8")
    names = [path.stem for path in chapters()]
    tree = _toctree("The book", names) + _toctree("Reference", pages)
    (source / "index.md").write_text(f"{index}\n{tree}", encoding="utf-8")


def build(source: Path, target: Path) -> int:
    """Have Sphinx build the site; return its exit status."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    return subprocess.run([*command, str(source), str(target)], check=False).returncode


def _in_place(text: str) -> str:
    """Show an explorer where its link stands alone in a line, and keep the link below it."""
    return EXPLORER.sub(
        r'<iframe class="explorer" src="\2" title="\1" loading="lazy"></iframe>'
        r'<p><a href="\2">\1, on a page of its own</a></p>',
        text,
    )


def _reference(folder: Path) -> list[str]:
    """Write a page for each part of the library; return the pages' names."""
    folder.mkdir()
    pages = []
    for title, modules in REFERENCE.items():
        page = title.lower()
        body = "\n\n".join(f"```{{eval-rst}}\n.. automodule:: {m}\n```" for m in modules)
        (folder / f"{page}.md").write_text(f"# {title}\n\n{body}\n", encoding="utf-8")
        pages.append(f"reference/{page}")
    return pages


def _toctree(caption: str, names: list[str]) -> str:
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"


def _mathjax() -> Path:
    """Return the folder of MathJax's files for a browser."""
    package = distribution(MATHJAX)
    return Path(str(package.locate_file(f"{MATHJAX}/static/mathjax")))


def main(arguments: list[str] | None = None) -> int:
    """Lay the sources out, and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.parse_args(arguments)
    lay_out(SITE / "source")
    status = build(SITE / "source", SITE / "html")
    if not status:
        print(f"the book: {SITE / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
