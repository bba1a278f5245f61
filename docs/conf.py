"""Sphinx configuration. The reference is generated: one page a room of src/assent, one section a module of it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

import assent

project = "assent"
author = "The assent authors"
project_copyright = "2026, The assent authors"
release = version = assent.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"  # single backticks in docstrings mean code
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_theme = "furo"
html_title = f"assent {release}"
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_attr_annotations = False  # the `*` of a jaxtyping shape would be read as markup

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "assent"
PAGES = ROOT / "docs" / "api"
autodoc_mock_imports = ["torch", "transformers"]


def modules(room: Path) -> Iterator[str]:
    """Dotted names of `room` (a file or a folder of the package) and of all public modules in it."""
    files = [room] if room.is_file() else sorted(room.rglob("*.py"), key=lambda file: (file.parent, file.stem))
    for file in files:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def section(module: str) -> str:
    """The reference entry of one module; a package only re-exports, so its own page part is its docstring."""
    package = PACKAGE.parent.joinpath(*module.split(".")).is_dir()
    options = "   :no-members:\n" if package else ""
    return f"{module}\n{'-' * len(module)}\n\n.. automodule:: {module}\n{options}\n"


def write_reference(_app: Sphinx) -> None:
    """Write docs/api anew: a page for each room that exists, and the list of them."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()
    rooms = [room for room in sorted(PACKAGE.iterdir()) if (room / "__init__.py").is_file() or room.suffix == ".py"]
    names = [room.stem for room in rooms if not room.name.startswith("_")]
    for room in rooms:
        if room.stem in names:
            page = f"{room.stem}\n{'=' * len(room.stem)}\n\n" + "".join(map(section, modules(room)))
            (PAGES / f"{room.stem}.rst").write_text(page, encoding="utf-8")
    listing = "\n   ".join(["Reference\n=========\n\n.. toctree::", ":maxdepth: 2\n", *names])
    (PAGES / "index.rst").write_text(listing + "\n", encoding="utf-8")


def skip_tuple_fields(_app: Sphinx, _what: str, _name: str, obj: object, skip: bool, _options: object) -> bool | None:
    """Leaves out the fields of named tuples: their classes describe them already, under Attributes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def escape_bars(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Absolute values, |x|, are no substitutions."""
    lines[:] = [re.sub(r"\|(\S[^|`]*?)\|", r"\\|\1\\|", line) for line in lines]


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("builder-inited", write_reference)
    app.connect("autodoc-skip-member", skip_tuple_fields)
