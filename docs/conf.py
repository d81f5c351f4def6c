"""How the pages are built: ``make docs``, and with warnings as errors in ``make test``. Nothing here asks the network for anything."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autosummary import ImportExceptionGroup, import_by_name
from sphinx.util.nodes import make_refnode

import ccstats
from ccstats.schema import TABLES

HERE = Path(__file__).parent
sys.modules["ccstats.erlang"] = ccstats.erlang  # a module under a second name, so that ``ccstats.erlang.service_level`` can be found

project = "ccstats"
author = "the ccstats developers"
copyright = "the ccstats developers, BSD-3-Clause"
version = release = ccstats.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["_templates"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
nitpicky = True
default_role = "py:obj"  # `measure_service` is a link, `contacts` as well (see _resolve)

# Pages in Markdown. Headings can be linked to as on GitHub.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

# Notebooks are run by `make docs`, for what readers see; `make test` runs them as tests, once, and builds the pages without.
nb_execution_mode = "force" if os.environ.get("CCSTATS_DOCS") == "run" else "off"
nb_execution_excludepatterns = (
    [] if "CCSTATS_SHARED" in os.environ else ["deviations_february*", "erlang_c_against_a*"]
)  # a log not ours to give
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True

# Docstrings.
autosummary_generate = True
autodoc_typehints = "none"  # parameters say what they take, and in which unit
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = {
    *("GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10", "SS01", "SS02", "SS03", "SS04"),  # sections and summary
    *("PR02", "PR05", "PR07", "PR08", "PR10", "YD01", "SA02"),  # nothing described that is not there
}
numpydoc_validation_exclude = {
    r"\.Step$",  # a parameter called ``from``, as in the agreement's file
    r"\.run_length$",  # options of charts, described one by one
}

html_theme = "pydata_sphinx_theme"
html_title = "ccstats"
html_static_path = ["_static"]
html_css_files = ["ccstats.css"]
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "header_links_before_dropdown": 8,
}


def _prepare(app: Sphinx) -> None:
    """Notebooks live beside docs/ and Sphinx sees only what is below it; pages of functions that are gone go as well."""
    copies = {path.name: path.read_bytes() for path in (HERE.parent / "notebooks").glob("*.ipynb")}
    (HERE / "notebooks").mkdir(exist_ok=True)
    for path in (HERE / "notebooks").glob("*.ipynb"):
        if path.name not in copies:
            path.unlink()
    for name, content in copies.items():
        copy = HERE / "notebooks" / name
        if not copy.exists() or copy.read_bytes() != content:
            copy.write_bytes(content)
    listed = set(re.findall(r"^   (ccstats\.\S+)$", (HERE / "api.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for path in (HERE / "api").glob("*.rst"):
        if path.stem not in listed:
            path.unlink()


def _skip(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Fields of named tuples are described with the class."""
    return True if str(getattr(value, "__doc__", "")).startswith("Alias for field number") else None


def _resolve(app: Sphinx, env: BuildEnvironment, node: Any, content: nodes.TextElement) -> nodes.Node | None:
    """A name in backticks is a table, a public name wherever it lives, or an inner name that is there: no link then, but no warning."""
    if node.get("refdomain") != "py":
        return None
    target, where = str(node["reftarget"]).removeprefix("cc."), node["refdoc"]
    if target in TABLES:
        return make_refnode(app.builder, where, "nomenclature", f"table-{target.replace('_', '-')}", content)
    known = env.get_domain("py").objects  # type: ignore[attr-defined]
    found = [name for name in known if name == target or name.endswith(f".{target}")]
    if len(found) == 1:
        return make_refnode(app.builder, where, known[found[0]].docname, known[found[0]].node_id, content)
    return content if _is_there(target, Path(where).name) else None


def _is_there(target: str, page: str) -> bool:
    """Whether the package, or the object that the page is about, or its module, has such a name."""
    prefixes: list[str | None] = [None]
    if page.startswith("ccstats."):
        prefixes += [page, import_by_name(page)[1].__module__]
    try:
        return import_by_name(target, prefixes)[3].startswith("ccstats")
    except ImportExceptionGroup:
        return False


def _visit_math(translator: Any, node: nodes.Element) -> None:
    """Formulas as MathML: every browser shows it, and no script is fetched."""
    block = isinstance(node, nodes.math_block)
    tree = latex2mathml.tex2mathml(node.astext(), as_block=block)
    translator.body.append(f"<div class='math'>{tree}</div>" if block else tree)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls first."""
    app.connect("builder-inited", _prepare, priority=100)
    app.connect("autodoc-skip-member", _skip)
    app.connect("missing-reference", _resolve)
    app.add_html_math_renderer("mathml", inline_renderers=(_visit_math, None), block_renderers=(_visit_math, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
