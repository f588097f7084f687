"""What logical and short name referencing have in common: the calls that a client makes of either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, SelectedAttribute, Selection
from meterkit.result import Result


class Referencing(Protocol):
    """Services on attributes and methods, however the association refers to them."""

    def forget(self) -> None:
        """Begin anew: what the last session learned of the meter no longer holds."""
        ...

    async def read(self, attribute: AttributeDescriptor, selection: Selection | None = None) -> Result[bytes]:
        """Read one attribute and return its Data."""
        ...

    def pieces(self, attributes: Sequence[SelectedAttribute], limit: int) -> list[list[SelectedAttribute]]:
        """Cut a list into lists that one request can carry."""
        ...

    async def read_list(self, attributes: Sequence[SelectedAttribute]) -> list[Result[bytes]]:
        """Read several attributes; one result each, in order."""
        ...

    async def write(
        self,
        attribute: AttributeDescriptor,
        value: bytes,
        selection: Selection | None = None,
        *,
        confirmed: bool = True,
    ) -> Result[None]:
        """Write one attribute, once."""
        ...

    async def act(
        self, method: MethodDescriptor, parameters: bytes | None = None, *, confirmed: bool = True
    ) -> Result[bytes | None]:
        """Perform a method, once, and return what it returns."""
        ...
