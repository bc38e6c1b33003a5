"""What follows from the index: records, the list of revoked certificates, and what a power cut left undone. Inside `turn()`."""

from __future__ import annotations

from cryptography import x509

from kengd.errors import KengdError
from kengd.hub.authority import certificates as make
from kengd.hub.authority import sealing, store
from kengd.hub.authority.index import Index, Issued, Purpose, from_json
from kengd.hub.authority.keys import key_file
from kengd.hub.authority.naming import check_hub_name, check_kid
from kengd.hub.authority.store import Store


def keep(at: Store, index: Index, before: Index) -> None:
    """Write the index, then the list of revoked certificates where that changed."""
    at.keep(index)
    if index.crl_number != before.crl_number:
        write_crl(at, index)


def record(pair: make.Pair, subject: str, purpose: Purpose, now_ms: int) -> Issued:
    """How the index remembers a certificate."""
    return Issued(f"{pair.serial:x}", subject, purpose, now_ms, pair.not_after_ms)


def private_file(name: str) -> str:
    """Key and certificate of a hub worker or the shell."""
    return f"private/{name}.pem"


def write_crl(at: Store, index: Index) -> None:
    """The list as the index has it."""
    revoked = [(int(one.serial, 16), one.revoked_ms) for one in index.issued if one.revoked_ms is not None]
    at.write(store.CRL, make.make_crl(at.ca(), revoked, index.crl_number))


def mend(at: Store, index: Index) -> None:
    """Finish what was cut off between the index and the files that follow from it."""
    ca_pem = at.ca().certificate_pem()
    if at.read(store.CA) != ca_pem:
        at.write(store.CA, ca_pem)
    if _crl_number(at.read(store.CRL)) != index.crl_number:
        write_crl(at, index)
    wanted = {key_file(key.kid) for key in index.usable_keys()}
    for path in at.path("signing").glob("*.pem"):
        if f"signing/{path.name}" not in wanted:
            at.remove(f"signing/{path.name}")


def _crl_number(pem: bytes | None) -> int | None:
    try:
        crl = x509.load_pem_x509_crl(pem or b"")
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.ExtensionNotFound):
        return None


def check_contents(contents: dict[str, bytes]) -> None:
    """A backup was made by us, but what writes files trusts no names. Raises KengdError `not_a_backup`."""
    try:
        index = from_json(contents[store.INDEX])
        make.read_pair(contents[store.CA_PAIR], store.CA_PAIR)
    except (KeyError, ValueError, KengdError):
        raise sealing.no_backup("index or CA") from None
    own = {store.INDEX, store.CA, store.CRL, store.CA_PAIR, store.SERVER}
    own |= {key_file(check_kid(key.kid)) for key in index.keys}
    own |= {private_file(check_hub_name(one.subject)) for one in index.issued if one.purpose == "hub"}
    if not contents.keys() <= own:
        raise sealing.no_backup("a foreign file")
