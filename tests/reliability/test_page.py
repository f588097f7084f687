"""The page on reliability is current, and what it names is there."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
GENERATOR = runpy.run_path(str(ROOT / "docs" / "reliability_reference.py"))


def test_the_figures_of_the_page_are_those_of_the_files():
    assert GENERATOR["render"](PAGE) == PAGE, "run: python docs/reliability_reference.py"


def test_every_file_of_figures_has_its_place_in_the_page():
    files = {path.stem for path in (ROOT / "docs" / "figures").glob("*.json")}
    assert files <= set(re.findall(r"<!-- (\w+): begin -->", PAGE))


def test_figures_that_are_one_table_are_written_as_one():
    told = {"told": "Two.", "head": ["what", "times"], "rows": [["this", 1234], ["that", "none"]]}
    assert GENERATOR["table"](told) == (
        "Two.\n\n| what | times |\n| --- | --- |\n| this | 1,234 |\n| that | none |\n"
    )


def test_the_security_policy_links_to_pages_that_are_there():
    policy = ROOT / ".github" / "SECURITY.md"
    links = re.findall(r"\]\(([^)#]+)", policy.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (policy.parent / link).resolve().exists()] == []


def test_the_readme_leads_to_the_policy_and_to_the_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(.github/SECURITY.md)" in readme
    assert "(docs/reliability.md)" in readme
