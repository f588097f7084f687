"""The link below an association: HDLC, or WRAPPER, as the options of a client have it."""

from __future__ import annotations

from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.dlms.wrapper import WrapperLink
from meterkit.options import DlmsClientOptions
from meterkit.transport.base import Transport


def lower_link(transport: Transport, options: DlmsClientOptions) -> HdlcLink | WrapperLink:
    """Return a new link over `transport`."""
    if options.interface == "wrapper":
        return WrapperLink(
            options.client_address,
            options.server_address,
            response_timeout=options.response_timeout,
            inter_octet_timeout=options.interoctet_timeout,
            is_datagram=transport.is_datagram,
        )
    size, window = options.hdlc_max_info, options.hdlc_window
    return HdlcLink(
        options.hdlc_client,
        options.hdlc_server,
        parameters=HdlcParameters(size, size, window, window) if options.hdlc_propose else None,
        retries=options.retries,
        response_timeout=options.response_timeout,
        inter_octet_timeout=options.interoctet_timeout,
        skip_noise=transport.is_noisy,
        max_message_size=options.max_response_size,
    )
