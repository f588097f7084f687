"""The page of the interface classes is what the declarations say."""

import re
import runpy
from pathlib import Path

from meterkit.dlms.cosem.classes import CLASSES

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_interface_classes_is_current() -> None:
    generator = runpy.run_path(str(DOCS / "cosem_reference.py"))
    current = (DOCS / "cosem.md").read_text(encoding="utf-8")
    assert generator["render"]() == current, "run: python docs/cosem_reference.py"


def test_every_class_and_every_withheld_note_is_on_the_page() -> None:
    page = (DOCS / "cosem.md").read_text(encoding="utf-8")
    for cls in CLASSES.values():
        assert f"`{cls.__name__}`" in page
        assert all(note in page for note in cls.withheld)


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    page = (DOCS / "cosem.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings]
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= set(anchors)
    assert len(anchors) == len(set(anchors))
