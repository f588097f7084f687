"""Every fuzz target there is, by name."""

from __future__ import annotations

from tests.fuzz import dlms_targets, file_targets, psem_targets, security_targets, text_targets
from tests.fuzz.target import TARGETS

__all__ = ["MODULES", "TARGETS"]

MODULES = (psem_targets, dlms_targets, security_targets, text_targets, file_targets)
