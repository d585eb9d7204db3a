"""The short program with which anyone proves a release; a test runs it exactly as it is shown."""

from __future__ import annotations

from string import Template

from dashboards import public
from dashboards.models import Publication

# Its names and its one word of output are Indonesian: it is read by people who were never shown the rest of the code.
PROGRAM = Template("""\
import hashlib, urllib.request

SITUS = "$site"
RILIS = SITUS + "/publik/$election/rilis/$number/"
TANDA_TANGAN = bytes.fromhex("$signature")
KUNCI_PUBLIK = bytes.fromhex("$key")
KODE = "$code"  # kode satuan yang diperiksa

unduh = lambda alamat: urllib.request.urlopen(alamat).read()
halaman = unduh(RILIS + KODE + ".json")
manifes = unduh(RILIS + "manifes.txt")

sidik = hashlib.sha256(halaman).hexdigest()
assert f"{KODE} {sidik}" in manifes.decode().splitlines()
sidik_rilis = hashlib.sha256(manifes).digest()

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
Ed25519PublicKey.from_public_bytes(KUNCI_PUBLIK).verify(TANDA_TANGAN, sidik_rilis)
print("Benar:", sidik_rilis.hex())
""")


def recipe(release: Publication, site: str) -> str:
    """The program for the province's page of a release; `site` is where people reach the product, without a slash."""
    root = public.stored(release)
    return PROGRAM.substitute(
        site=site,
        election=release.election.code,
        number=release.number,
        signature=bytes(release.signature).hex(),
        key=bytes(release.public_key).hex(),
        code=root.code if root else "",
    )
