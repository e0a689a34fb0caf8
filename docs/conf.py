# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: `make docs` builds the pages into docs/_build/html, with warnings as errors.

Nothing is asked from the network, and the pages ask nothing of it either. Set
HYPERSPY_DAG_DOCS_INTERSPHINX=1 to have names of other packages linked to their pages.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

os.environ.setdefault("MPLBACKEND", "agg")
# The examples run in this process: small networks gain nothing by more threads.
for _name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
):
    os.environ.setdefault(_name, "1")

import hyperspy.api as hs

import hyperspy_dag

hs.preferences.General.show_progressbar = False  # bars would fill the pages

project = "hyperspy_dag"
author = "the hyperspy_dag developers"
project_copyright = f"2024-%Y, {author}"
version = release = hyperspy_dag.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "metric_pictures",
    "rooms",
    "upcoming",
]
nitpicky = False
default_role = "py:obj"  # what numpydoc docstrings mean by single backticks
exclude_patterns = ["_build", "_ext", "_templates", "about/upcoming.md"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings name the types
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_url_schemes = ["http", "https", "mailto"]

numpydoc_show_class_members = False  # the pages of classes list their members themselves
numpydoc_validation_checks = {
    "all",  # but these:
    "ES01",  # an extended summary: not everything needs one
    "GL01",  # text on the line after the quotes: here it begins beside them
    "GL08",  # no docstring: fields of a dataclass are described in the docstring of the class
    "PR02",  # unknown parameters: **options with their names
    "PR03",  # their order: related ones are described together
    "PR04",  # no type: "See fit"
    "PR07",  # no description: where the type says all there is
    "PR08",  # a description that begins with a small letter: names and numbers do
    "PR09",  # or ends without a full stop: a shape does
    "RT03",  # a value without description: as PR07
}
numpydoc_validation_exclude = {
    r"^hyperspy_dag\.dag(\.|$)",
    r"\.minimum$",  # a constant, described in one line
    r"Component\.grad_",  # as HyperSpy's models call them
    r"\.NotFittedError$",  # scikit-learn's
    r"\.AugmentationTool\.ranges$",  # the toolkits' own
    r"\.AdaptedClasses\.(arrays|header|lines|record)$",  # what files hold, in one line each
}
# Docstrings without sections, of properties for instance, need neither "See Also" nor example.
_PLAIN = r"(?s)\A(?:(?!\n *-{4}).)*\Z"
numpydoc_validation_overrides = {
    "EX01": [_PLAIN],
    "SA01": [_PLAIN],
    # The fields of dataclasses and named tuples are described as attributes.
    "PR01": [r"(?m)^Attributes\n-+$", r"^Interface of objects that draw synthetic spectra"],
}

if os.environ.get("HYPERSPY_DAG_DOCS_INTERSPHINX", "") not in ("", "0"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "exspy": ("https://hyperspy.org/exspy", None),
        "hyperspy": ("https://hyperspy.org/hyperspy-doc/current", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "python": ("https://docs.python.org/3", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[/\\]plot_",
    # One example needs a package that not everybody has.
    "ignore_pattern": r"^(?!plot_)" + ("" if find_spec("imblearn") else "|^plot_imbalanced"),
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "download_all_examples": False,
    "backreferences_dir": None,
    "within_subsection_order": "gallery_order.Order",
    "ignore_repr_types": r"matplotlib|list",
}

html_theme = "pydata_sphinx_theme"
html_title = "hyperspy_dag"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": [], "benchmarks": []}


def skip_member(app, what, name, obj, skip, options) -> bool | None:
    """Leave out members inherited from classes of HyperSpy, Traits and Python."""
    owner = getattr(obj, "__objclass__", None) or getattr(obj, "fget", None) or obj
    module = getattr(owner, "__module__", None) or project
    inherited = not module.startswith(project) or name == "wrappers"
    # of the fields of named tuples Python says no more than their number
    return True if inherited or str(obj.__doc__).startswith("Alias for field number") else None


def setup(app) -> None:
    """Connect what is above."""
    app.connect("autodoc-skip-member", skip_member)
