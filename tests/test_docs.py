"""The documentation is true: its examples run, and what is generated is current."""

import doctest
import os
import re
import runpy
from pathlib import Path
from unittest.mock import patch

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))


@pytest.mark.parametrize("name", PAGES)
def test_the_examples_of_a_page_run(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"^```\{doctest\}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    test = doctest.DocTestParser().get_doctest(examples, {}, name, name, 0)
    told: list[str] = []
    with patch.dict(os.environ):  # a page that sets a variable sets it for itself
        result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert result.failed == 0, "".join(told)


def test_the_page_of_the_command_is_current() -> None:
    generator = runpy.run_path(str(DOCS / "cli_reference.py"))
    current = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert generator["render"]() == current, "run: python docs/cli_reference.py"


def test_the_page_of_the_tables_is_current() -> None:
    generator = runpy.run_path(str(DOCS / "tables_reference.py"))
    current = (DOCS / "tables.md").read_text(encoding="utf-8")
    assert generator["render"]() == current, "run: python docs/tables_reference.py"


def test_every_link_within_the_page_of_the_tables_leads_to_a_heading() -> None:
    page = (DOCS / "tables.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= anchors


def test_every_page_is_in_the_contents() -> None:
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    for name in PAGES:
        assert name == "index.md" or f"\n{name.removesuffix('.md')}\n" in contents


def test_the_house_on_paper_is_the_house_that_stands() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    tree = page.split("## The tree", 1)[1].split("```")[1]
    drawn: set[str] = set()
    folders: list[str] = []
    for line in tree.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if names[0].endswith("/"):
            folders[depth:] = [names[0]]
        else:
            drawn.update("".join(folders[:depth]) + name for name in names)
    package = DOCS.parent / "meterkit"
    stands = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
    inits = {path for path in stands if path.endswith("__init__.py")} - {"meterkit/__init__.py"}
    assert drawn == stands - inits
