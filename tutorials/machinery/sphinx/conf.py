"""Sphinx's settings for the book's site. `tutorials.machinery.site` lays the sources out."""

import re
from typing import Any

from sphinx.addnodes import pending_xref

import minis

project = "minis"
author = "The minis authors"
release = version = minis.__version__
copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "index"
html_theme = "furo"
html_title = "minis"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_favicon = "_static/icon.svg"
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
html_copy_source = False

myst_enable_extensions = ["dollarmath", "amsmath", "alert", "html_image", "attrs_inline"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a chapter's headings needn't begin at the first level

mathjax_path = "mathjax/tex-svg.js"  # lies in _static: the site asks no other host

default_role = "py:obj"  # `conv` in a docstring is a link where there is such a name, else code
autodoc_default_options = {"members": True, "member-order": "bysource", "undoc-members": False}
autodoc_typehints = "none"  # docstrings say which type each argument has
napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes stand in a list, not each in a block of its own
napoleon_use_rtype = False
python_maximum_signature_line_length = 79
copybutton_exclude = ".linenos, .gp, .go"

LEFT_ALONE = re.compile(r"(`[^`]*`|(?<!\w)\*\w(?:[^*]*\w)?\*(?!\w))")  # code and emphasis


def mend(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Show indented formulas as they stand, and let (N, C, *S) be no beginning of emphasis."""
    mended: list[str] = []
    before, literal, example = 0, False, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if line.strip() and not example:
            if mended and not mended[-1].strip() and indent > before and not literal:
                literal = True
                mended += [" " * before + "::", ""]
            elif indent <= before:
                literal = False
            if not literal:
                before = indent
                parts = LEFT_ALONE.split(line)
                parts[::2] = [
                    re.sub(r"[*|](?=\w)|(?<=\w)_(?!\w)", r"\\\g<0>", p) for p in parts[::2]
                ]
                line = "".join(parts)
        mended.append(line)
    lines[:] = mended


def link_exactly(app: Any, tree: Any) -> None:
    """Let (rows, columns) as an argument's type be no link to anything that is called rows."""
    for node in tree.findall(pending_xref):
        node.attributes.pop("refspecific", None)


def setup(app: Any) -> None:
    """Mend docstrings before anything else reads them, and links before they are looked up."""
    app.connect("autodoc-process-docstring", mend, priority=1)
    app.connect("doctree-read", link_exactly)
