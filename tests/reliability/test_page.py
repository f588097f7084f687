"""The page on reliability is current, and what it names is there."""

import re
import runpy
from pathlib import Path

import pytest

from tests.reliability.soak.mix import KINDS

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


def test_every_kind_of_meter_in_the_soak_has_its_words():
    assert set(GENERATOR["KINDS"]) == set(KINDS)


def test_what_a_soak_told_is_written_in_words(figures):
    told = GENERATOR["soak"](figures)
    assert "2 meters polled every 15 minutes for 1 days (seed 1): 208 polls" in told
    assert "**1 holes, 0 wrong values, 0 counters used twice.**" in told
    assert "| C12.18, bad line | 203 | 1 |" in told
    assert "| C12.18, bad line: no ACK [timeout] | 1 |" in told
    assert "| 1 | 10 | 20 | 3 | 9 | 1 |" in told
    assert "| 1 | 5 | 6 | 7 | 10 |" in GENERATOR["soak_traced"](figures)


@pytest.fixture
def figures():
    gauge = {"day": 1, "blocks": 10, "resident": 20, "tasks": 3, "descriptors": 9, "threads": 1}
    return {
        "terms": {"meters": 2, "every": 900, "days": 1, "seed": 1},
        "read": {"intervals kept": 200},
        "happened": {"pieces sent to meters": 999},
        "outcomes": {"psem_bad read": 203, "psem_bad failed": 1, "hdlc read": 4},
        "errors": {"psem_bad | timeout | no ACK": 1},
        "holes": ["psem_bad-6 2026-03-29 00:00:00+00:00"],
        "wrong": [],
        "counters repeated": [],
        "ciphered requests": 0,
        "gauges": [gauge | {"library": 5, "emulator": 6, "elsewhere": 7}],
    }
