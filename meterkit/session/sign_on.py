"""The sign-on of IEC 62056-21 over a line: its two exchanges, and the changes of speed between them.

300 baud: request, identification, acknowledgement, confirmation | the speed agreed on: HDLC
300 baud: request, identification, acknowledgement               | the speed agreed on: data block
"""

from __future__ import annotations

from functools import partial
from typing import Final

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.mode_e import (
    SIGN_ON_BAUD_RATE,
    Identification,
    Mode,
    choose_hdlc,
    choose_readout,
    request,
)
from meterkit.mode_e_link import RESPONSE_TIMEOUT, SignOnLink
from meterkit.readout import Readout
from meterkit.result import Err, Ok, Result
from meterkit.session.exchange import Exchange
from meterkit.session.opening import close_line, open_line
from meterkit.transport.base import Transport

LINE_TIME: Final = 60.0  # s for one line of a readout; nothing is longer under way without a line's end
_SLOWEST: Final = "0"  # the letter of the sign-on's own speed


async def sign_on(
    exchange: Exchange,
    *,
    device_address: str = "",
    baud_switch: bool = True,
    baud_rate: int = SIGN_ON_BAUD_RATE,
    response_timeout: float = RESPONSE_TIMEOUT,
) -> Result[Identification]:
    """Sign on in mode E; HDLC is next, at the speed agreed on.

    `device_address` is only needed where several meters share a line.  `baud_switch` off asks the meter to
    stay at 300 baud, for converters that cannot follow.  `baud_rate` is where the sign-on begins, in bits
    per second; `response_timeout` in seconds.
    Errors: TIMEOUT nobody answers; FRAMING no identification; PROTOCOL the meter does not speak HDLC, or
    confirms something else; TRANSPORT.  The session is lost then.
    """
    link = _link(exchange.transport, response_timeout)
    identified = await _identify(exchange, link, device_address, baud_rate)
    if isinstance(identified, Err):
        return identified
    identification = identified.value
    if identification.mode is not Mode.C:
        error = MeterError(
            ErrorKind.PROTOCOL,
            f"{identification}: a meter of mode {identification.mode.value} has no HDLC; it can be read out",
        )
        return Err((await exchange.lose(error)).at("sign-on"))
    letter, speed = _agreed(identification, baud_switch)
    await exchange.pause(identification.reaction_time)
    confirmed = await exchange.perform(partial(link.send, choose_hdlc(letter)), link=link)
    if isinstance(confirmed, Err):
        return Err(confirmed.error.at("sign-on"))
    switched = await _switch(exchange, speed if baud_switch else None)
    if isinstance(switched, Err):
        return switched
    await exchange.pause(identification.reaction_time)
    return identified


async def read_out(
    transport: Transport,
    *,
    device_address: str = "",
    baud_switch: bool = True,
    baud_rate: int = SIGN_ON_BAUD_RATE,
    response_timeout: float = RESPONSE_TIMEOUT,
) -> Result[Readout]:
    """Read a meter out: modes A, B and C.  A line that is not open is opened and closed again.

    Parameters as in `sign_on`.
    Errors: TIMEOUT nobody answers, or no data come; FRAMING no identification, or a torn block; CRC a
    wrong BCC; DECODE a line that is no data set; TRANSPORT.
    """
    was_open = transport.is_open
    opened = await open_line(transport, 1)
    if isinstance(opened, Err):
        return opened
    link = _link(transport, response_timeout)
    exchange = Exchange(link, transport, timeout=LINE_TIME)
    try:
        await exchange.begin()
        identified = await _identify(exchange, link, device_address, baud_rate)
        if isinstance(identified, Err):
            return identified
        block = await _read_block(exchange, link, identified.value, baud_switch)
    finally:
        if not was_open:
            await close_line(transport)
    if isinstance(block, Err):
        return Err(block.error.at("readout"))
    try:
        return Ok(Readout.parse(block.value, identified.value))
    except ProtocolFault as odd:
        return Err(odd.error.at("readout"))


async def _identify(
    exchange: Exchange, link: SignOnLink, device_address: str, baud_rate: int
) -> Result[Identification]:
    begun = await _switch(exchange, baud_rate)
    if isinstance(begun, Err):
        return begun
    answer = await exchange.perform(partial(link.send, request(device_address)), link=link)
    if isinstance(answer, Err):
        return Err(answer.error.at("sign-on"))
    return Ok(Identification.parse(answer.value))  # the link gives nothing else


async def _read_block(
    exchange: Exchange, link: SignOnLink, identification: Identification, baud_switch: bool
) -> Result[bytes]:
    """Choose a readout where there is a choice, follow the meter's speed, and wait for the data."""
    letter, speed = _agreed(identification, baud_switch)
    if identification.mode is Mode.C:
        await exchange.pause(identification.reaction_time)
        chosen = await exchange.perform(partial(link.send, choose_readout(letter)), link=link)
        if isinstance(chosen, Err):
            return chosen
    switched = await _switch(exchange, speed if baud_switch else None)
    if isinstance(switched, Err):
        return switched
    return await exchange.perform(link.read, link=link)


def _link(transport: Transport, response_timeout: float) -> SignOnLink:
    # Where stray octets are to be expected, a serial line is at the far end, and wants parity.
    return SignOnLink(adds_parity=transport.is_noisy, response_timeout=response_timeout)


def _agreed(identification: Identification, baud_switch: bool) -> tuple[str, int]:
    """Return the letter to acknowledge with, and its speed in bits per second.

    A speed this library does not know the letter of, or cannot follow, is declined: 300 baud always do.
    """
    speed = identification.baud_rate
    if identification.mode is Mode.C and (speed is None or not baud_switch):
        return _SLOWEST, SIGN_ON_BAUD_RATE
    return identification.baud_letter, speed or SIGN_ON_BAUD_RATE


async def _switch(exchange: Exchange, baud_rate: int | None) -> Result[None]:
    if baud_rate is None or exchange.transport.baud_rate in (None, baud_rate):
        return Ok(None)
    return await exchange.set_baud_rate(baud_rate)
