"""The short program with which anyone proves a release; a test runs it exactly as it is shown."""

from __future__ import annotations

from string import Template

from dashboards.models import Publication
from dashboards.releases import keys
from dashboards.releases import queries as public

# Its names and its words are Indonesian: it is read by people who were never shown the rest of the code.
PROGRAM = Template("""\
import hashlib, json, urllib.error, urllib.request

SITUS, PEMILU, RILIS = "$site", "$election", $number
KODE = "$code"  # kode satuan yang diperiksa
SIDIK_RILIS = "$digest"
TANDA_TANGAN = "$signature"
KUNCI_PUBLIK = "$key"  # bandingkan dengan yang dicetak Bawaslu
SALAH = []


def unduh(nama, rilis=RILIS):
    try:
        return urllib.request.urlopen(f"{SITUS}/publik/{PEMILU}/rilis/{rilis}/{nama}").read()
    except urllib.error.HTTPError as jawaban:  # halaman satuan yang sudah ditutup
        return jawaban.read()


def sidik(isi):
    return hashlib.sha256(isi).hexdigest()


def periksa(langkah, cocok):
    print(f"{langkah}: {'cocok' if cocok else 'TIDAK COCOK'}")
    SALAH.extend([] if cocok else [langkah])


halaman = unduh(KODE + ".json")
manifes = unduh("manifes.txt")
kepala, *baris = manifes.decode().splitlines()
daftar = dict(satu.split() for satu in baris)
periksa(f"1-2. Halaman {KODE} di manifes", daftar.get(KODE) == sidik(halaman))
periksa(f"3. Sidik rilis {RILIS}", sidik(manifes) == SIDIK_RILIS)

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    print("4. Tanda tangan: belum diperiksa. Pasang paket cryptography (pip install cryptography), lalu jalankan lagi.")
    SALAH.append("4. Tanda tangan")
else:
    try:
        kunci = Ed25519PublicKey.from_public_bytes(bytes.fromhex(KUNCI_PUBLIK))
        kunci.verify(bytes.fromhex(TANDA_TANGAN), hashlib.sha256(manifes).digest())
        periksa("4. Tanda tangan", True)
    except InvalidSignature:
        periksa("4. Tanda tangan", False)

satuan, anak = json.loads(halaman), []
for kode in [satu["code"] for satu in satuan["children"]]:
    isi = unduh(kode + ".json")
    periksa(f"1-2. Halaman {kode} di manifes", daftar.get(kode) == sidik(isi))
    anak.append(json.loads(isi)["sections"])
for nama, bagian in satuan["sections"].items():
    bawah, sendiri = [satu[nama] for satu in anak if nama in satu], bagian.get("own", {})
    if bawah:  # sendiri: laporan tentang satuan ini sendiri, bukan tentang satuan di bawahnya
        jumlah = {apa: sendiri.get(apa, 0) + sum(satu["counts"][apa] for satu in bawah) for apa in bagian["counts"]}
        periksa(f"5. Jumlah laporan {nama}", jumlah == bagian["counts"])
    if bawah and not sendiri and all("values" in satu and not satu.get("withheld") for satu in [bagian, *bawah]):
        jumlah = {apa: sum(satu["values"].get(apa, 0) for satu in bawah) for satu in bawah for apa in satu["values"]}
        periksa(f"5. Jumlah angka {nama}", jumlah == bagian["values"])

for nomor in range(RILIS - 1, max(RILIS - 6, 0), -1):  # rilis-rilis sebelumnya, paling banyak lima
    sambungan = kepala.split()[4 if kepala.startswith("rilis/") else 3]
    manifes = unduh("manifes.txt", nomor)
    kepala = manifes.decode().splitlines()[0]
    periksa(f"6. Sambungan ke rilis {nomor}", sidik(manifes) == sambungan)

print("Ada yang tidak cocok atau belum diperiksa." if SALAH else f"Semua cocok: {SIDIK_RILIS}")
raise SystemExit(1 if SALAH else 0)
""")


def recipe(release: Publication, site: str) -> str:
    """The program for the province's page of a release; `site` is where people reach the product, without a slash."""
    root = public.stored(release)
    return PROGRAM.substitute(
        site=site,
        election=release.election.code,
        number=release.number,
        digest=bytes(release.digest).hex(),
        signature=bytes(release.signature).hex(),
        key=keys.to_check(bytes(release.public_key)).hex(),
        code=root.code if root else "",
    )
