"""How Sphinx makes the site: strictly, offline, from this folder and the docstrings."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

from client import __version__  # noqa: E402 - only to be found once the path leads to it

project = "resilient-http-client"
author = "the resilient-http-client authors"
project_copyright = author
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "public_api",
    "page_texts",
    "llms",
]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    # Of other packages, which have documentation of their own, elsewhere.
    ("py:.*", r"(fastapi|httpx2?|metrics|prometheus_client|pydantic|starlette|tenacity|trace)\..*"),
    ("py:.*", r"CollectorRegistry|FastAPI"),
    # Of the standard library, likewise; what `typing` has Sphinx itself knows.
    ("py:.*", r"(abc|collections\.abc|enum|os|random|sqlite3|ssl)\..*"),
    ("py:class", r"Abstract(Async)?ContextManager|CookieJar|Path|PathLike"),
]

default_role = "name"
add_module_names = False
python_use_unqualified_type_names = True
python_display_short_literal_types = True
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
smartquotes_action = "D"  # dashes alone: a quote is what one types
copybutton_prompt_text = "$ "

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"{project} {version}"
html_favicon = "_static/icon.svg"
html_js_files = ["offline_search.js"]
html_copy_source = False
html_show_sphinx = False
