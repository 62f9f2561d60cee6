import os

os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")

import openmm_anion

project = "openmm-anion"
author = "openmm-anion developers"
copyright = "2026, openmm-anion developers"
release = openmm_anion.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Every module of the package gets a page, made at build time from its docstrings.
autosummary_generate = True
autosummary_ignore_module_all = True
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True

# Words of a type such as "(n,) array" are looked up as if they were names; some match several attributes.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "openmm-anion"
