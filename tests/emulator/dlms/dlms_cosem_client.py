"""A run of dlms-cosem's client, an independent implementation, against the emulated DLMS meter.

usage: dlms_cosem_client.py JSON      prints one JSON object as its last line

JSON: port, client, password (or none), jobs; for GMAC and ciphering title, encryption_key,
authentication_key (hex), counter.
"""

import json
import sys
from datetime import datetime

from dlms_cosem import cosem, enumerations, utils
from dlms_cosem.client import DlmsClient
from dlms_cosem.cosem.selective_access import RangeDescriptor
from dlms_cosem.io import BlockingTcpIO, TcpTransport
from dlms_cosem.parsers import AssociationObjectListParser, ProfileGenericBufferParser
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)
from dlms_cosem.time import datetime_from_bytes

CLOCK = cosem.Obis(0, 0, 1, 0, 0, 255)
PROFILE = cosem.Obis(1, 0, 99, 1, 0, 255)
NOTE = cosem.Obis(0, 0, 96, 13, 0, 255)


def attribute(interface, instance, number):
    return cosem.CosemAttribute(interface, instance, number)


def read_identity(client, seen):
    octets = client.get(attribute(enumerations.CosemInterface.CLOCK, CLOCK, 2))
    seen["clock"] = datetime_from_bytes(utils.parse_as_dlms_data(octets))[0].isoformat()
    name = attribute(enumerations.CosemInterface.DATA, cosem.Obis(0, 0, 42, 0, 0, 255), 2)
    seen["name"] = bytes(utils.parse_as_dlms_data(client.get(name))).decode()


def read_registers(client, seen):
    energy = cosem.Obis(1, 0, 1, 8, 0, 255)
    register = enumerations.CosemInterface.REGISTER
    seen["energy"] = utils.parse_as_dlms_data(client.get(attribute(register, energy, 2)))
    seen["scaler_unit"] = list(utils.parse_as_dlms_data(client.get(attribute(register, energy, 3))))
    both = [attribute(register, cosem.Obis(1, 0, c, 8, 0, 255), 2) for c in (1, 2)]
    wanted = [cosem.CosemAttributeWithSelection(attribute=one, access_selection=None) for one in both]
    seen["list"] = [one.value for one in client.get_many(wanted).response_data]


def read_view(client, seen):
    association = attribute(enumerations.CosemInterface.ASSOCIATION_LN, cosem.Obis(0, 0, 40, 0, 0, 255), 2)
    found = AssociationObjectListParser.parse_bytes(client.get(association))
    seen["view"] = [[int(one.interface), one.logical_name.to_string("."), one.version] for one in found]
    profile = next(one for one in found if one.logical_name == PROFILE)
    seen["rights"] = {
        number: [int(right) for right in held.access_rights]
        for number, held in profile.attribute_access_rights.items()
    }


def read_profile(client, seen):
    profile = enumerations.CosemInterface.PROFILE_GENERIC
    definitions = utils.parse_as_dlms_data(client.get(attribute(profile, PROFILE, 3)))
    columns = [
        attribute(enumerations.CosemInterface(one[0]), cosem.Obis.from_bytes(one[1]), one[2])
        for one in definitions
    ]
    seen["columns"] = [[int(one.interface), one.instance.to_string(".")] for one in columns]
    parser = ProfileGenericBufferParser(capture_objects=columns, capture_period=15)

    def rows(octets):
        return [
            [one.value.isoformat() if isinstance(one.value, datetime) else one.value for one in row]
            for row in parser.parse_bytes(octets)
        ]

    whole = parser.parse_bytes(client.get(attribute(profile, PROFILE, 2)))
    seen["rows"] = len(whole)
    begin, end = whole[2][0].value, whole[5][0].value
    selection = RangeDescriptor(
        restricting_object=cosem.selective_access.CaptureObject(
            cosem_attribute=attribute(enumerations.CosemInterface.CLOCK, CLOCK, 2), data_index=0
        ),
        from_value=begin,
        to_value=end,
    )
    seen["by_range"] = rows(client.get(attribute(profile, PROFILE, 2), access_descriptor=selection))
    seen["whole_slice"] = [
        [one.value.isoformat() if isinstance(one.value, datetime) else one.value for one in row]
        for row in whole[2:6]
    ]


def write(client, seen):
    note = attribute(enumerations.CosemInterface.DATA, NOTE, 2)
    client.set(note, b"\x09\x0awritten by")
    seen["written"] = bytes(utils.parse_as_dlms_data(client.get(note))).decode()


def act(client, seen):
    control = enumerations.CosemInterface.DISCONNECT_CONTROL
    switch = cosem.Obis(0, 0, 96, 3, 10, 255)
    client.action(cosem.CosemMethod(control, switch, 1), b"\x0f\x00")
    seen["output_state"] = utils.parse_as_dlms_data(client.get(attribute(control, switch, 2)))


JOBS = {
    "identity": read_identity,
    "registers": read_registers,
    "view": read_view,
    "profile": read_profile,
    "write": write,
    "act": act,
}


def main(settings):
    password = settings.get("password")
    authentication = (
        LowLevelSecurityAuthentication(secret=password.encode()) if password else NoSecurityAuthentication()
    )
    transport = TcpTransport(
        client_logical_address=settings["client"],
        server_logical_address=1,
        io=BlockingTcpIO(host="127.0.0.1", port=settings["port"]),
    )
    ciphering = {}
    if "title" in settings:
        authentication = HighLevelSecurityGmacAuthentication(challenge_length=settings.get("challenge", 16))
        ciphering = {
            "encryption_key": bytes.fromhex(settings["encryption_key"]),
            "authentication_key": bytes.fromhex(settings["authentication_key"]),
            "client_system_title": bytes.fromhex(settings["title"]),
            "client_initial_invocation_counter": settings.get("counter", 0),
        }
    client = DlmsClient(transport=transport, authentication=authentication, **ciphering)
    seen = {}
    with client.session() as session:
        for job in settings["jobs"]:
            JOBS[job](session, seen)
    print()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
