"""Asks an independent decoder about APDUs, in a process of its own; and what the APDUs are about."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import (
    AssociationResult,
    AuthenticationMechanism,
)
from meterkit.dlms.apdu.descriptors import (
    AttributeDescriptor,
    MethodDescriptor,
)
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode

CLOCK = AttributeDescriptor(8, ObisCode.CLOCK, 2)
IMPORT = AttributeDescriptor(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2)
RESET = MethodDescriptor(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 1)
FIVE = axdr.encode_unsigned(5)
OFFER = InitiateRequest(conformance=Conformance(0x7E1F), max_pdu=1200)
GRANT = InitiateResponse(conformance=Conformance(0x501F), max_pdu=500)
LOW = AuthenticationMechanism.LOW_LEVEL_SECURITY
GMAC = AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
ACCEPTED, REJECTED = AssociationResult.ACCEPTED, AssociationResult.REJECTED_PERMANENT


def ask(program: str, apdus: list[Any]) -> list[Any]:
    """Return what a peer makes of each APDU."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\n".join(apdu.encode().hex() for apdu in apdus),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])
