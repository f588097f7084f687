"""`meterkit dlms keys certificates`, `request`, `import`, `export` and `remove`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meterkit.cli.console import screen, show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.grid import make_grid
from meterkit.cli.output import print_json
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake, new_file, parse_number, read_file
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.security_setup_reading import CertificateEntry
from meterkit.dlms.security import Certificate, CertificateType
from meterkit.dlms.security.certificate_pem import from_pem, to_pem
from meterkit.dlms.security.certificate_requests import CertificateRequest
from meterkit.errors import ErrorKind, MeterError, MeterFailure, ProtocolFault

_PURPOSES: Final = {
    "signing": CertificateType.DIGITAL_SIGNATURE,
    "agreement": CertificateType.KEY_AGREEMENT,
    "tls": CertificateType.TLS,
}
_MOST: Final = (1 << 160) - 1  # of a serial number; RFC 5280: 20 octets
Named = tuple[str, str | None]  #: serial number and issuer, as typed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text goes: a file, or standard output."""

    file: Path | None
    overwrite: bool

    def check(self) -> None:
        """Errors: UsageMistake for a file that is there already."""
        new_file(self.file, overwrite=self.overwrite)

    def write(self, text: str) -> None:
        """Write it."""
        if self.file is None:
            sys.stdout.write(text)
        else:
            self.file.write_text(text, encoding="ascii")
            screen().print(f"wrote {self.file}", markup=False)


def certificates(url: str, access: DlmsAccess, setup: str, *, as_json: bool) -> int:
    """List the certificates."""

    async def body(client: DlmsClient) -> int:
        listed = await _listed(client, setup)
        if as_json:
            print_json({"setup": setup, "certificates": [_document(one) for one in listed]})
        elif listed:
            rows = [_row(one) for one in listed]
            show(make_grid(("whose", "what for", "~subject", "serial number", "~issuer"), rows))
        else:
            screen().print("the meter keeps no certificates")
        return OK

    return on_dlms_meter(url, access, body)


def request(
    url: str,
    access: DlmsAccess,
    purpose: str,
    place: Place,
    setup: str,
    *,
    new_pair: bool,
    as_json: bool,
) -> int:
    """Have the meter make a request, with a new key pair if that is wished."""
    place.check()
    kind = _PURPOSES[purpose]

    async def body(client: DlmsClient) -> int:
        if new_pair:
            (await client.generate_key_pair(kind, security_setup=setup)).unwrap()
        made = (await client.generate_certificate_request(kind, security_setup=setup)).unwrap()
        if as_json:
            print_json(_request_document(made))
            if place.file is None:
                return OK
        place.write(made.pem)
        return OK

    return on_dlms_meter(url, access, body)


def import_certificate(
    url: str, access: DlmsAccess, file: Path, setup: str, *, yes: bool, as_json: bool
) -> int:
    """Give the meter a certificate, after a question unless `yes`."""
    dlms_address(url, access)
    try:
        certificate = Certificate.decode(from_pem(read_file(file)))
    except ProtocolFault as odd:
        raise UsageMistake(f"{file}: {odd.error.message}") from None
    told = f"the certificate {certificate.serial_number} of {certificate.subject}"
    confirm(f"Give {url} {told}, issued by {certificate.issuer}?", yes)

    async def body(client: DlmsClient) -> int:
        (await client.import_certificate(certificate, security_setup=setup)).unwrap()
        if as_json:
            print_json({"setup": setup, "serial_number": certificate.serial_number})
        else:
            screen().print(f"the meter has {told}", markup=False)
        return OK

    return on_dlms_meter(url, access, body)


def export(url: str, access: DlmsAccess, named: Named, place: Place, setup: str, *, as_json: bool) -> int:
    """Read one certificate."""
    place.check()
    number = parse_number(named[0], _MOST)

    async def body(client: DlmsClient) -> int:
        entry = _found(await _listed(client, setup), number, named[1])
        certificate = (await client.export_certificate(entry.name, security_setup=setup)).unwrap()
        pem = to_pem(certificate)
        if as_json:
            print_json({**_document(entry), "pem": pem})
            if place.file is None:
                return OK
        place.write(pem)
        return OK

    return on_dlms_meter(url, access, body)


def remove(url: str, access: DlmsAccess, named: Named, setup: str, *, yes: bool, as_json: bool) -> int:
    """Have the meter forget one certificate, after a question unless `yes`."""
    dlms_address(url, access)
    number = parse_number(named[0], _MOST)
    confirm(f"Have {url} forget the certificate {number}?", yes)

    async def body(client: DlmsClient) -> int:
        entry = _found(await _listed(client, setup), number, named[1])
        (await client.remove_certificate(entry.name, security_setup=setup)).unwrap()
        if as_json:
            print_json({**_document(entry), "removed": True})
        else:
            screen().print(f"the meter has forgotten {number} of {entry.subject}", markup=False)
        return OK

    return on_dlms_meter(url, access, body)


async def _listed(client: DlmsClient, setup: str) -> tuple[CertificateEntry, ...]:
    reading = (await client.read_security_setup(setup)).unwrap()
    if reading.certificates is None:
        raise MeterFailure(
            MeterError(ErrorKind.REFUSED, "the meter tells nothing of certificates: version 0, mostly")
        )
    return reading.certificates


def _found(listed: tuple[CertificateEntry, ...], number: int, issuer: str | None) -> CertificateEntry:
    """Return the certificate that was named.  Errors: UsageMistake none, or several."""
    found = [one for one in listed if one.name.serial_number == number and issuer in (None, one.issuer)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageMistake(f"{len(found)} certificates have the number {number}: say --issuer")
    known = ", ".join(str(one.name.serial_number) for one in listed) or "none"
    raise UsageMistake(f"the meter keeps no certificate {number}; it keeps {known}")


def _row(one: CertificateEntry) -> tuple[str, ...]:
    whose, purpose = one.entity.words, one.certificate_type.words
    return whose, purpose, one.subject, str(one.name.serial_number), one.issuer


def _document(one: CertificateEntry) -> dict[str, object]:
    return {
        "entity": one.entity.name.lower(),
        "type": one.certificate_type.name.lower(),
        "subject": one.subject,
        "serial_number": one.name.serial_number,
        "issuer": one.issuer,
    }


def _request_document(made: CertificateRequest) -> dict[str, object]:
    return {"subject": made.subject, "suite": int(made.suite), "pem": made.pem}
