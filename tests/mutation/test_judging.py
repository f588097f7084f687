"""Survivors go by what they change, so names stay true when code moves; rooms name what is there."""

import ast
from pathlib import Path

import pytest

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.figures import Tried, row
from tests.mutation.judging import Mutant, Same, unmet, unseen
from tests.mutation.rooms import ROOMS

ROOT = Path(__file__).parents[2]
RESET = Mutant(
    "meterkit.psem.link.xǁPsemLinkǁreset__mutmut_11",
    "-    self._sent = 0  # octets under way\n+    self._sent = None  # octets under way",
)
SAME = Same("psem/link.py PsemLink.reset", "set again", ("self._sent = None",))


def test_a_mutant_goes_by_its_file_its_function_and_the_line_as_changed():
    assert RESET.key == "psem/link.py PsemLink.reset: self._sent = None"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("meterkit.codec.crc.x_crc16__mutmut_1", "codec/crc.py crc16"),
        ("meterkit.dlms.security.cipher.x__by_one_of__mutmut_3", "dlms/security/cipher.py _by_one_of"),
        ("meterkit.psem.link.xǁPsemLinkǁ_drop__mutmut_12", "psem/link.py PsemLink._drop"),
        ("meterkit.psem.link.xǁPsemLinkǁ__init____mutmut_2", "psem/link.py PsemLink.__init__"),
    ],
)
def test_functions_and_methods_have_the_names_of_the_source(name, place):
    assert Mutant(name, "").place == place


def test_changed_lines_are_one_and_lines_that_are_gone_are_told_as_gone():
    assert Mutant(RESET.name, "-    a(\n-        b,\n+    a(\n+        None,").change == "a( None,"
    assert Mutant(RESET.name, "-        b,").change == "without b,"


def test_one_name_stands_for_one_survivor():
    assert unseen([RESET], [SAME]) == []
    assert unseen([RESET, RESET], [SAME]) == [RESET]
    assert unseen([RESET, RESET], [SAME, SAME]) == []


def test_a_name_that_no_survivor_bears_is_told():
    assert unmet([RESET], [SAME]) == []
    assert unmet([], [SAME]) == ["psem/link.py PsemLink.reset: self._sent = None"]


def test_a_row_tells_what_was_seen_and_what_was_not():
    other = Mutant(RESET.name, "+    self._sent = 1")
    tried = Tried("psem_link", ROOMS["psem_link"], 10, [RESET, other], [other], [])
    assert row(tried)[:5] == ["psem/link.py", 10, 8, 1, 1]


def test_every_file_of_a_room_is_there():
    named = [name for room in ROOMS.values() for name in (*room.files, *room.tests)]
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("place", sorted({same.place for same in EQUIVALENT}))
def test_equivalents_are_in_functions_that_are_there(place):
    file, _, function = place.partition(" ")
    assert any(f"meterkit/{file}" in room.files for room in ROOMS.values())
    assert function in functions(ast.parse((ROOT / "meterkit" / file).read_text(encoding="utf-8")))


def functions(tree, within=""):
    """The functions of a module, with their classes in front."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names |= functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            names.add(within + node.name)
    return names
