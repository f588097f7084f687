"""A meter's application layer in a few lines, written from the standard's facts and not from the client.

It has attributes by name, one method that gives its parameters back, blocks of both kinds, and a line that
loses general blocks.
"""

from struct import pack, unpack_from


def length(count):
    if count < 0x80:
        return bytes([count])
    return b"\x81" + bytes([count]) if count < 0x100 else b"\x82" + pack(">H", count)


def take_length(octets, at):
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    width = first - 0x80
    return int.from_bytes(octets[at + 1 : at + 1 + width], "big"), at + 1 + width


def take_string(octets, at):
    size, at = take_length(octets, at)
    assert at + size <= len(octets)
    return octets[at : at + size]


class Meter:
    """`handle` takes an APDU and returns the APDUs sent in answer."""

    def __init__(self, *, client_pdu, server_pdu, general=False, window=1, style="standard"):
        self.client_pdu = client_pdu  # what the client takes
        self.server_pdu = server_pdu  # what we take
        self.general = general  # long answers go by general blocks
        self.window = window
        self.style = style  # what the pblocks of an ACTION's answer hold
        self.values = {}
        self.performed = []  # values of SETs and parameters of ACTIONs, in order
        self.junk = b""
        self.lose = []  # of each turn's general blocks but the last that comes, which are lost
        self.collected = b""
        self.pending = None
        self.forget()

    @property
    def executed(self):
        return len(self.performed)

    def forget(self):
        self.answer = None  # general: what we send, in pieces
        self.request = {}  # general: blocks of the client's
        self.request_last = None
        self.client_window = 1
        self.own = 0  # our last block number without data
        self.base = 0  # our blocks before the first piece

    def handle(self, apdu):
        assert len(apdu) <= self.server_pdu or not self.server_pdu, (len(apdu), self.server_pdu)
        if apdu[0] == 0xE0:
            return self.handle_general(apdu)
        self.forget()
        return self.reply(self.serve(apdu))

    def reply(self, response):
        if response[0] == 0xC4 and response[1] == 1 and self.junk:
            response += self.junk
        if len(response) > self.client_pdu and self.general:
            self.cut(response)
            return self.send_pieces(0)
        return [response]

    # ------------------------------------------------------------------ services
    def serve(self, apdu):
        tag, kind, invoke = apdu[0], apdu[1], apdu[2:3]
        if tag == 0xC0:
            return self.get(kind, invoke, apdu)
        if tag == 0xC1:
            return self.set(kind, invoke, apdu)
        return self.action(kind, invoke, apdu)

    def get(self, kind, invoke, apdu):
        if kind == 2:
            return self.next_block(invoke, unpack_from(">I", apdu, 3)[0])
        if kind == 1:
            value = self.values.get(apdu[3:12])
            whole, head = (b"\x01\x04", b"") if value is None else (b"\x00" + value, b"\x00")
        else:
            count = apdu[3]
            names = [apdu[4 + 10 * i : 13 + 10 * i] for i in range(count)]
            items = [self.values.get(name) for name in names]
            head = b""
            whole = bytes([count]) + b"".join(b"\x01\x04" if v is None else b"\x00" + v for v in items)
        if len(whole) + 3 <= self.client_pdu or self.general:
            return b"\xc4" + bytes([kind]) + invoke + whole
        self.begin_blocks(b"\xc4\x02", whole[len(head) :], b"\x00")
        return self.next_block(invoke, 0)

    def begin_blocks(self, head, raw, result):
        size = max(self.client_pdu - 12, 1)
        pieces = [raw[i : i + size] for i in range(0, len(raw), size)] or [b""]
        if len(raw) % 3 == 0:
            pieces.append(b"")  # a last block that is empty
        self.pending = head, pieces, result

    def next_block(self, invoke, number):
        head, pieces, result = self.pending
        assert number < len(pieces)
        is_last = number + 1 == len(pieces)
        piece = pieces[number]
        return head + invoke + bytes([is_last]) + pack(">I", number + 1) + result + length(len(piece)) + piece

    def take_block(self, apdu, at):
        is_last, number = apdu[at], unpack_from(">I", apdu, at + 1)[0]
        raw = take_string(apdu, at + 5)
        assert number == self.expected
        self.expected += 1
        self.collected += raw
        return is_last, number

    def set(self, kind, invoke, apdu):
        if kind == 1:
            self.performed.append(apdu[13:])
            self.values[apdu[3:12]] = apdu[13:]
            return b"\xc5\x01" + invoke + b"\x00"
        if kind == 2:
            self.name, self.collected, self.expected = apdu[3:12], b"", 1
        is_last, number = self.take_block(apdu, 13 if kind == 2 else 3)
        if not is_last:
            return b"\xc5\x02" + invoke + pack(">I", number)
        self.performed.append(self.collected)
        self.values[self.name] = self.collected
        return b"\xc5\x03" + invoke + b"\x00" + pack(">I", number)

    def action(self, kind, invoke, apdu):
        if kind == 2:
            return self.next_block(invoke, unpack_from(">I", apdu, 3)[0])
        if kind == 1:
            assert apdu[12] == 1
            return self.perform(invoke, apdu[13:])
        if kind == 4:
            self.collected, self.expected = b"", 1
        is_last, number = self.take_block(apdu, 12 if kind == 4 else 3)
        if not is_last:
            return b"\xc7\x04" + invoke + pack(">I", number)
        return self.perform(invoke, self.collected)

    def perform(self, invoke, value):
        self.performed.append(value)
        whole = b"\x00\x01\x00" + value
        if len(whole) + 3 <= self.client_pdu or self.general:
            return b"\xc7\x01" + invoke + whole
        raw = {"standard": whole, "data-result": whole[2:], "data": whole[3:]}[self.style]
        self.begin_blocks(b"\xc7\x02", raw, b"")
        return self.next_block(invoke, 0)

    # ------------------------------------------------------------------ general blocks
    def handle_general(self, apdu):
        control, number, ack = unpack_from(">BHH", apdu, 1)
        data = take_string(apdu, 6)
        self.client_window = max(control & 0x3F, 1)
        if number == 1 and data:
            window = self.client_window
            self.forget()  # the next request; the client's acknowledgements have no data
            self.client_window = window
        elif self.answer is not None:
            return self.send_pieces(max(ack - self.base, 0))
        self.request[number] = data
        if control & 0x80:
            self.request_last = number
        if control & 0x40:
            return []
        received = 0
        while received + 1 in self.request:
            received += 1
        if received == self.request_last:
            whole = b"".join(self.request[n] for n in range(1, received + 1))
            self.base = self.own
            response = self.serve(whole)
            self.cut(response)
            return self.send_pieces(0)
        self.own += 1
        return [self.block(self.own, b"", False, False, received)]

    def cut(self, response):
        size = max(self.client_pdu - 9, 1)
        self.answer = [response[i : i + size] for i in range(0, len(response), size)]

    def send_pieces(self, after):
        batch = range(after + 1, min(after + self.client_window, len(self.answer)) + 1)
        acknowledged = len(self.request)
        blocks = [
            self.block(self.base + n, self.answer[n - 1], n == len(self.answer), n != batch[-1], acknowledged)
            for n in batch
        ]
        lost = self.lose.pop() if self.lose and len(blocks) > 1 else None
        if lost is not None:
            del blocks[lost % len(blocks)]
        return blocks

    def block(self, number, data, is_last, is_streaming, ack):
        control = 0x80 * is_last | 0x40 * is_streaming | self.window
        return b"\xe0" + pack(">BHH", control, number, ack) + length(len(data)) + data
