"""The book as a site: `python -m tutorials.machinery.site` (or `make book`) writes site/html.

The sources are laid out in site/source: the chapters, with the explorers in place of the links to
them, and the reference of the library, from its docstrings. Sphinx takes every warning for an
error. Nothing is fetched: MathJax comes from an installed package.
"""

from __future__ import annotations

import argparse
import inspect
import posixpath
import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

from .chapter import BOOK, chapters
from .notebooks import in_repository

HERE = Path(__file__).parent / "sphinx"
SITE = BOOK.parent / "site"
MATHJAX = "sphinx-mathjax-offline"
MATHJAX_PARTS = ("tex-svg.js", "input/tex/extensions", "a11y", "sre")
EXPLORER = re.compile(r"^\[([^\]]+)\]\((explorers/\w+\.html)\)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)\)")

# the parts of the library that have a page in the reference, by the page's title
REFERENCE = {
    "Operations": ["minis.ops"],
    "Layers": ["minis.nn"],
    "Networks": ["minis.models"],
    "Training": ["minis.training"],
    "Data": ["minis.data"],
    "Learning": ["minis.learn", "minis.learn.drawing"],
}


def lay_out(source: Path) -> None:
    """Write Sphinx's sources into a folder, which is emptied first."""
    shutil.rmtree(source, ignore_errors=True)
    (source / "_static").mkdir(parents=True)
    shutil.copyfile(HERE / "conf.py", source / "conf.py")
    for name in ("book.css", "book.js", "icon.svg"):
        shutil.copyfile(HERE / name, source / "_static" / name)
    shutil.copytree(BOOK / "figures", source / "figures")
    shutil.copytree(BOOK / "explorers", source / "extra" / "explorers")
    _copy_mathjax(source / "_static" / "mathjax")
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        (source / path.name).write_text(for_the_site(text), encoding="utf-8")
    pages = _reference(source / "reference")
    index = for_the_site((BOOK / "README.md").read_text(encoding="utf-8"))
    names = [path.stem for path in chapters()]
    tree = _toctree("The book", names) + _toctree("Reference", pages)
    (source / "index.md").write_text(f"{index}\n{tree}", encoding="utf-8")


def build(source: Path, target: Path) -> int:
    """Have Sphinx build the site; return its exit status."""
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-d", str(source.parent / "doctrees")]
    return subprocess.run([*command, str(source), str(target)], check=False).returncode


def for_the_site(text: str) -> str:
    """Put explorers in place, and have links to the repository's files lead somewhere.

    Parameters
    ----------
    text : str
        Markdown, of a file in the book's folder.

    Examples
    --------
    >>> for_the_site("See [its code](../minis/ops/conv.py).")
    'See <a href="_modules/minis/ops/conv.html">its code</a>.'
    """
    shown = EXPLORER.sub(
        r'<iframe class="explorer" src="\2" title="\1" loading="lazy"></iframe>'
        r'<p class="explorer"><a href="\2">\1, on a page of its own</a></p>',
        text,
    )
    return LINK.sub(_elsewhere, shown)


def _elsewhere(link: re.Match[str]) -> str:
    """Turn a link to what the site lacks into one to a module's source, or to the repository."""
    target = posixpath.normpath(f"tutorials/{link[2]}")
    if re.fullmatch(r"tutorials/(\w+\.md|explorers/\w+\.html)", target):
        return link[0]
    if target.removesuffix(".py") in _sources():
        return f'<a href="_modules/{target.removesuffix(".py")}.html">{link[1]}</a>'
    return f"[{link[1]}]({in_repository(target)})"


def _documented(package: str) -> dict[str, list[str]]:
    """Return the names that a package offers and documents, by the module they stand in."""
    found: dict[str, list[str]] = {}
    offered = import_module(package)
    for name in offered.__all__:
        thing = getattr(offered, name)
        module = getattr(thing, "__module__", None) or ""
        if module.startswith("minis.") and thing.__doc__:
            found.setdefault(module, []).append(name)
    return dict(sorted(found.items()))


def _sources() -> set[str]:
    """Return the modules that have a page with their source, as paths without suffix."""
    packages = [package for packages in REFERENCE.values() for package in packages]
    return {m.replace(".", "/") for package in packages for m in _documented(package)}


def _reference(folder: Path) -> list[str]:
    """Write a page for each part of the library; return the pages' names."""
    folder.mkdir()
    pages = []
    for title, packages in REFERENCE.items():
        page = title.lower()
        body = "\n".join(_package(package) for package in packages)
        (folder / f"{page}.md").write_text(f"# {title}\n\n{body}", encoding="utf-8")
        pages.append(f"reference/{page}")
    return pages


def _package(package: str) -> str:
    """Write Markdown: each module's docstring, and its functions and classes."""
    parts = [inspect.getdoc(import_module(package)) or "", f"Import from `{package}`."]
    for module, names in _documented(package).items():
        parts.append(f"## {module.removeprefix(package + '.')}")
        parts.append(inspect.getdoc(sys.modules[module]) or "")
        directives = [
            f".. auto{_kind(getattr(import_module(package), name))}:: {name}" for name in names
        ]
        parts.append(_fence("eval-rst", [f".. currentmodule:: {package}", "", *directives]))
    return "\n\n".join(parts) + "\n"


def _kind(thing: object) -> str:
    if not inspect.isclass(thing):
        return "function"
    return "exception" if issubclass(thing, Exception) else "class"


def _fence(name: str, lines: list[str]) -> str:
    return "\n".join([f"```{{{name}}}", *lines, "```"])


def _toctree(caption: str, names: list[str]) -> str:
    return _fence("toctree", [":hidden:", f":caption: {caption}", "", *names]) + "\n"


def _copy_mathjax(target: Path) -> None:
    """Take what a page may load from the package that brings MathJax."""
    kept = Path(str(distribution(MATHJAX).locate_file(f"{MATHJAX}/static/mathjax")))
    for part in MATHJAX_PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (kept / part).is_dir():
            shutil.copytree(kept / part, target / part)
        else:
            shutil.copyfile(kept / part, target / part)


def main(arguments: list[str] | None = None) -> int:
    """Lay the sources out, and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, default=SITE, help="where to write (default: site)")
    folder = parser.parse_args(arguments).folder
    lay_out(folder / "source")
    status = build(folder / "source", folder / "html")
    if not status:
        print(f"the book: {folder / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
