"""A session with an EM1000 over any transport: payloads out and back, and a login with the user's responder.

    connect()                     opens the line; nothing is sent
    login(responder)              0F -> FF + challenge;  01 + responder(challenge) -> FF ... or FD
    exchange(payload)             any other payload, at the caller's own risk

How a response is made of a challenge nobody has published, and meterkit ships no guess.  A refused login
is not tried again: the meter may count refusals and lock its port.
Source: docs/em1000.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeAlias

import anyio

from meterkit import arguments
from meterkit.em1000.frame import MAX_PAYLOAD
from meterkit.em1000.link import Em1000Link
from meterkit.em1000.meanings import (
    ACCEPTED,
    CHALLENGE_SIZE,
    LOG_IN,
    REFUSED,
    REQUEST_CHALLENGE,
    SECRET_COMMANDS,
)
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Events
from meterkit.options import Em1000Options
from meterkit.result import Err, Ok, Result
from meterkit.session.exchange import Exchange
from meterkit.session.opening import close_line, open_line
from meterkit.transport.base import Transport

#: Makes of a challenge, 8 octets, everything that follows the 01 octet in the login's response.
Responder: TypeAlias = Callable[[bytes], bytes | Awaitable[bytes]]
_REFUSAL: Final = bytes((REFUSED,))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the meter answered."""

    payload: bytes
    skipped: bytes = b""  #: octets that came since the last reply and were part of no answer
    nbr_bad_crc: int = 0  #: how many of them looked like a frame whose check did not fit

    @property
    def status(self) -> int:
        """The first octet: FF accepted, FD refused; inferred from three frames."""
        return self.payload[0]

    @property
    def data(self) -> bytes:
        """All behind the first octet."""
        return self.payload[1:]


class Em1000Session:
    """One meter on one line.  Use it in `async with`, which closes the line at the end.

    There is no keep-alive, since nobody knows what an EM1000 would take for one, and no logout.
    """

    def __init__(self, transport: Transport, options: Em1000Options | None = None) -> None:
        self.transport = arguments.instance("transport", transport, Transport)  # type: ignore[type-abstract]
        self.options = arguments.optional("options", options, Em1000Options)
        self._link = self._new_link()
        self._exchange = Exchange(self._link, transport, timeout=self.options.exchange_timeout)
        self._turn = anyio.Lock()  # held by a login from the challenge to its end
        self._door = anyio.Lock()  # held by whoever connects or disconnects
        self._is_connected = False
        self._is_logged_in = False
        self._is_refused = False

    @property
    def is_connected(self) -> bool:
        """Whether the line was opened, and no exchange has broken since."""
        return self._is_connected and self._exchange.lost is None

    @property
    def is_logged_in(self) -> bool:
        """Whether the meter accepted a login on this line; when it forgets one nobody knows."""
        return self._is_logged_in and self.is_connected

    async def connect(self) -> Result[None]:
        """Open the line; the meter hears nothing.  Errors: TRANSPORT; STATE already connected."""
        async with self._door:
            if self.is_connected:
                return Err(MeterError(ErrorKind.STATE, "the session is connected already"))
            opened = await open_line(self.transport, self.options.open_attempts)
            if isinstance(opened, Err):
                return opened
            self._link = self._exchange.link = self._new_link()
            try:
                await self._exchange.begin()
            except BaseException:  # cancelled: nobody would close the line
                await close_line(self.transport)
                raise
            self._is_connected, self._is_logged_in, self._is_refused = True, False, False
            return Ok(None)

    async def disconnect(self) -> None:
        """Close the line, in bounded time; how to log out nobody knows."""
        async with self._door:
            if self._is_connected:
                self._is_connected = False
                await close_line(self.transport)

    async def exchange(self, payload: bytes) -> Result[Reply]:
        """Send a payload of 1 to 255 octets, once, and return what the meter answers.

        What a payload does that nobody has explained is unknown: it may switch a relay.
        Errors: SECURITY the answer is FD and nothing else; TIMEOUT, CRC or PROTOCOL (no answer, damaged
        ones, our own echo) and TRANSPORT end the session; STATE it is not connected.
        Raises: TypeError, ValueError for what is no such payload.
        """
        payload = _checked("payload", payload, 1, MAX_PAYLOAD)
        async with self._turn:
            return await self._perform(payload, self._link)

    async def login(self, responder: Responder) -> Result[Reply]:
        """Ask for a challenge, let `responder` answer it, and return what the meter says to the login.

        `responder` gets 8 octets and returns, or awaits, 1 to 254 octets: all that follows the 01 octet.
        Neither is logged.  What it raises passes through, and nothing more is sent.  It may take its time,
        but on a line that was connected anew meanwhile its response is not sent: STATE.
        Errors: SECURITY refused, and then STATE for every further login until connected anew;
        PROTOCOL an answer of a form never seen; else as `exchange`.
        """
        if not callable(responder):
            raise TypeError(
                f"responder: a function from challenge to response expected, not {type(responder).__name__}"
            )
        async with self._turn:
            if self._is_refused:
                return Err(_refused_before())
            link = self._link  # each connection has its own
            asked = await self._perform(bytes((REQUEST_CHALLENGE,)), link)
            if isinstance(asked, Err):
                return asked
            challenge = asked.value
            if challenge.status != ACCEPTED or len(challenge.data) != CHALLENGE_SIZE:
                return Err(_unexpected(challenge, f"FF and a challenge of {CHALLENGE_SIZE} octets"))
            made = responder(challenge.data)
            answered = await made if inspect.isawaitable(made) else made
            response = _checked("what the responder returned", answered, 1, MAX_PAYLOAD - 1)
            reply = await self._perform(bytes((LOG_IN,)) + response, link)
            if isinstance(reply, Ok):
                if reply.value.status != ACCEPTED:
                    return Err(_unexpected(reply.value, "FF (accepted) or FD (refused)"))
                self._is_logged_in = True
            return reply

    async def _perform(self, payload: bytes, link: Em1000Link) -> Result[Reply]:
        """Send `payload` if the connection is still the one of `link`."""

        def objection() -> MeterError | None:
            if not self._is_connected:
                return MeterError(ErrorKind.STATE, "the session is not connected: connect() first")
            return None if link is self._link else _connected_anew(payload)

        def begin() -> Events:
            link.discard(self.transport.discard())
            return link.send(payload)

        is_login = payload[0] in SECRET_COMMANDS
        answer = await self._exchange.perform(begin, check=objection, is_secret=is_login)
        if isinstance(answer, Err):
            return answer
        reply = Reply(answer.value, *link.take_noise())  # a login's noise is in no later exchange's error
        if answer.value == _REFUSAL:
            self._is_refused = self._is_refused or is_login
            return Err(_refusal(payload, is_login=is_login))
        return Ok(reply)

    def _new_link(self) -> Em1000Link:
        options = self.options
        return Em1000Link(
            response_timeout=options.response_timeout, idle_gap=options.idle_gap, echo=options.echo
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        has_left = False
        try:
            with anyio.CancelScope(shield=True):
                await self.disconnect()
                has_left = True
        finally:
            if not has_left:  # a cancel() of asyncio, which no shield stops
                await close_line(self.transport)


def _checked(name: str, value: object, least: int, most: int) -> bytes:
    octets = arguments.octets(name, value)
    if not least <= len(octets) <= most:
        raise ValueError(f"{name}: {least} to {most} octets expected, not {len(octets)}")
    return octets


def _refusal(payload: bytes, *, is_login: bool) -> MeterError:
    match payload[0]:
        case 0x01 if is_login:
            message = "the meter refuses the login (FD): the response does not answer its challenge"
        case 0x0F:
            message = "the meter refuses to give a challenge (FD)"
        case _:
            message = "the meter refuses (FD): does it want a login first?"
    if is_login:
        message += "; it is not tried again, since the meter may count refusals and lock its port"
    return MeterError(ErrorKind.SECURITY, message, code=REFUSED, where=_where(payload))


def _refused_before() -> MeterError:
    return MeterError(
        ErrorKind.STATE,
        "the meter refused a login on this line, and may lock its port after more of them: "
        "nothing was sent; disconnect() and connect() if you mean to try again",
        where="login",
    )


def _connected_anew(payload: bytes) -> MeterError:
    return MeterError(
        ErrorKind.STATE,
        "the line was connected anew meanwhile, so this belongs to a past connection: nothing was sent",
        where=_where(payload),
    )


def _unexpected(reply: Reply, expected: str) -> MeterError:
    """Return the error for an answer nobody has seen; its octets may be secret, so their form is told."""
    came = f"{reply.status:02X} and {len(reply.data)} octet(s)"
    return MeterError(
        ErrorKind.PROTOCOL, f"{expected} expected, {came} came", code=reply.status, where="login"
    )


def _where(payload: bytes) -> str:
    return f"exchange {payload[:1].hex().upper()}"
