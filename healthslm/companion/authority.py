"""The box's own certificate authority, and the certificate that it serves its page with.

A phone has to trust the authority once. So that this trust reaches no further than the home, the authority is
good for private addresses and `.local` names alone (RFC 5280, 4.2.1.10): with its key nobody could pretend to
be another site. The keys are kept in the encrypted store: what TLS reads is a file in memory. Only with what
a locked box says that it is locked is on the disk, and good for a month (locked.py).
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Address = IPv4Address | IPv6Address

_TRUSTED_FOR = timedelta(days=3650)
_SERVES_FOR = timedelta(days=397)
"""iOS and Chrome take no longer for a server (CA/Browser Forum, ballot SC-22)."""
RENEWED = timedelta(days=60)
"""So long before its end a server's certificate is made anew."""
_SLACK = timedelta(days=1)
"""Phones whose clock is behind take it as well."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time: one without a battery begins in 1970."""
_NAMES = ("local", "localhost", "home.arpa", "lan", "internal")
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_LABELS = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""What names in certificates are made of (RFC 5280, 4.2.1.6)."""
_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a phone is shown of the authority, or of the server."""

    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """The certificate's SHA-256 as phones show it: pairs of hexadecimal digits with colons between."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER: what a phone installs."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True, kw_only=True)
class Identity(Certificate):
    """A private key with its certificate: of the authority, or of the server."""

    key: ec.EllipticCurvePrivateKey

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM, not encrypted: for the store, which is, and for TLS."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def to_json(self) -> dict[str, str]:
        """Return what the store keeps."""
        return {"key": self.key_pem.decode(), "certificate": self.pem.decode()}

    @classmethod
    def from_json(cls, kept: Mapping[str, str]) -> Identity:
        """Read what `to_json` wrote. Raises `ValueError` for anything else."""
        key = serialization.load_pem_private_key(kept["key"].encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the authority's key is of another sort")
        return cls(key=key, certificate=x509.load_pem_x509_certificate(kept["certificate"].encode()))


def is_private(address: Address) -> bool:
    """Say whether an address is one of those that the authority is good for."""
    return any(address.version == network.version and address in network for network in _NETWORKS)


def authority(now: datetime, mark: str) -> Identity:
    """Make an authority for one box; `mark` tells it from those of other boxes in a phone's list."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"healthslm at home {mark}")])
    allowed = [*map(x509.DNSName, _NAMES), *map(x509.IPAddress, _NETWORKS)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _TRUSTED_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(allowed, None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(key=key, certificate=certificate)


def server(
    by: Identity,
    names: Iterable[str],
    addresses: Iterable[Address],
    now: datetime,
    lasts: timedelta = _SERVES_FOR,
) -> Identity:
    """Make a server's certificate for names and private addresses of this box; others are left out."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = called(names)
    reached = list(dict.fromkeys(address for address in addresses if is_private(address)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "healthslm")]))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(min(now + lasts - _SLACK, by.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, own), *map(x509.IPAddress, reached)]),
            critical=False,
        )
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False
        )
        .sign(by.key, hashes.SHA256())
    )
    return Identity(key=key, certificate=certificate)


def serves(
    identity: Identity,
    by: Certificate,
    names: Iterable[str],
    addresses: Iterable[Address],
    now: datetime,
    renewed: timedelta = RENEWED,
) -> bool:
    """Say whether a server's certificate will do: of this authority, for all of these, in time."""
    certificate = identity.certificate
    try:
        certificate.verify_directly_issued_by(by.certificate)
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever is wrong with it, another one is made
        return False
    known = set(named.get_values_for_type(x509.IPAddress))
    timely = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - renewed
    return (
        timely
        and known.issuperset(address for address in addresses if is_private(address))
        and set(named.get_values_for_type(x509.DNSName)).issuperset(called(names))
    )


def moment(by: Identity | None, now: datetime) -> datetime:
    """Return the time to go by: a clock that shows one from before the authority was made is wrong.

    So nothing is made that phones, whose clocks are right, would not take.
    """
    return max(now, BEGAN if by is None else by.certificate.not_valid_before_utc + _SLACK)


def called(names: Iterable[str]) -> list[str]:
    """Return the names of home that a certificate can have: a machine may be called what it likes."""
    fits = (name for name in names if _LABELS.fullmatch(name) and name.rpartition(".")[2] in _NAMES)
    return list(dict.fromkeys(fits))


def context(by: Certificate, identity: Identity) -> ssl.SSLContext:
    """Return the TLS side of a server."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    present(made, by, identity)
    return made


def present(to: ssl.SSLContext, by: Certificate, identity: Identity) -> None:
    """Let who connects from now on see this certificate.

    TLS reads its key from a file: of memory, never of a disk.
    """
    descriptor = os.memfd_create("healthslm", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, identity.key_pem + identity.pem + by.pem)
        to.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def addresses_of(texts: Iterable[str]) -> list[Address]:
    """Read addresses, without what an interface's name adds to them; what is none is left out."""
    found: list[Address] = []
    for text in texts:
        try:
            found.append(ip_address(text.partition("%")[0]))
        except ValueError:
            continue
    return found


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
