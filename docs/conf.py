"""How Sphinx builds the site: ``make docs``."""

import sys
from pathlib import Path

from cryoscale import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "cryoscale"
author = "The cryoscale developers"
project_copyright = "The cryoscale developers, Apache-2.0"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "mathml",
    "registers",
    "reference",
    "house",
]
exclude_patterns = ["_build"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # numpydoc says them
autosummary_generate = False
numpydoc_show_class_members = False
add_module_names = False
toc_object_entries_show_parents = "hide"
smartquotes = False  # two dashes are an option's
default_role = "autolink"

html_theme = "pydata_sphinx_theme"
html_title = "cryoscale"
html_static_path = ["_static"]
html_css_files = ["cryoscale.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "cryoscale"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
