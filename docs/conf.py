"""Sphinx configuration: MyST pages, autodoc, doctested examples.  Warnings are errors in CI."""

import meterkit

project = "meterkit"
author = "the meterkit authors"
release = version = meterkit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

default_role = "literal"  # `name` in a docstring is code
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
autoclass_content = "class"
doctest_test_doctest_blocks = "default"
doctest_global_setup = "import anyio"

html_theme = "furo"
html_title = f"meterkit {release}"
html_show_sphinx = False
