"""A run of termineter's c1218 client, an independent implementation, against the emulator.

usage: termineter_client.py DEVICE PASSWORD LARGE_TABLE [ID | ID:OFFSET:COUNT]...     prints one JSON object
"""

import json
import sys

from c1218.connection import Connection
from c1218.data import C1218Packet, C1218WaitRequest
from c1218.errors import C1218ReadTableError

SERIAL_SETTINGS = {
    "parity": "N",
    "baudrate": 9600,
    "bytesize": 8,
    "xonxoff": False,
    "interCharTimeout": None,
    "rtscts": False,
    "timeout": 5,
    "stopbits": 1,
    "dsrdtr": False,
    "writeTimeout": None,
}


def read(connection, what):
    """Read a table, whole or in part."""
    table_id, *part = (int(number) for number in what.split(":"))
    if not part:
        return connection.get_table_data(table_id)
    return connection.get_table_data(table_id, octetcount=part[1], offset=part[0])


def main(device, password, large_table, others):
    seen = {}
    connection = Connection(device, serial_settings=SERIAL_SETTINGS, enable_cache=False)
    seen["start"] = connection.start()
    seen["login"] = connection.login("termineter", 4711, password)
    seen["identification"] = connection.get_table_data(1).hex()
    seen["part"] = connection.get_table_data(1, octetcount=6, offset=4).hex()
    seen["large"] = connection.get_table_data(large_table).hex()
    seen["large_head"] = connection.get_table_data(large_table, octetcount=700, offset=0).hex()
    seen["others"] = {what: read(connection, what).hex() for what in others}
    connection.set_table_data(5, b"0123456789WRITTEN   ")
    seen["written"] = connection.get_table_data(5).hex()
    connection.set_table_data(5, b"part", offset=10)
    seen["partly_written"] = connection.get_table_data(5).hex()
    connection.set_table_data(200, (bytes(range(256)) * 2)[:480])
    seen["long_write"] = connection.get_table_data(200).hex()
    seen["procedure"] = [connection.run_procedure(9, False, b"\x01")[0]]
    seen["procedure_data"] = connection.run_procedure(9, False, b"\x01")[1].hex()
    seen["unknown_procedure"] = connection.run_procedure(99, True, b"")[0]
    try:
        connection.get_table_data(1999)
    except C1218ReadTableError as error:
        seen["missing_table"] = str(error)
    connection.send(C1218Packet(C1218WaitRequest(30)))
    seen["wait"] = connection.recv().hex()
    seen["logoff"] = connection.logoff()
    connection.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
