"""Sphinx's settings for the book's site. `tutorials.machinery.site` lays the sources out."""

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
exclude_patterns = ["notebooks"]
html_theme = "furo"
html_title = "minis"
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_css_files = ["book.css"]
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["dollarmath", "amsmath", "alert", "html_image", "attrs_inline"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a chapter's headings needn't begin at the first level

mathjax_path = "mathjax/tex-svg.js"  # lies in _static: the site asks no other host

autodoc_default_options = {"members": True, "member-order": "bysource", "undoc-members": False}
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
copybutton_exclude = ".linenos, .gp, .go"
