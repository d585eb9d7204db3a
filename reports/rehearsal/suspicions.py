"""What people of the rehearsal suspect: the parts of their Forms A that tell of it. Nobody in these texts is real."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hierarchy.levels import Level
from hierarchy.lib.clock import WITA
from hierarchy.models import Unit, User
from reports.findings.models import Finding

Kind = Finding.Kind


def wita(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of February 2024."""
    return datetime(2024, 2, day, hour, minute, tzinfo=WITA)


@dataclass(frozen=True)
class Suspicion:
    """A Form A with a part IV. Who files it: unit `nth` of a level within the rehearsed line of units; `recorded`: when
    the body of a level enters it in its register as a `kind`, None where nobody has yet."""

    level: Level
    nth: int
    filed: datetime
    stage: str
    event: str
    place: str
    respondent: str
    witness: str
    evidence: str
    analysis: str
    kind: str = ""
    body: Level | None = None
    recorded: datetime | None = None

    def answers(self, unit: Unit, author: User) -> dict[str, Any]:
        """Answers that Form A accepts."""
        return supervision(unit, author, self.filed) | {
            "tahapan": self.stage,
            "sasaran": self.respondent,
            "uraian": self.event,
            "ada_dugaan": "ya",
            "peristiwa": self.event,
            "tempat_kejadian": self.place,
            "tanggal_kejadian": self.filed.date().isoformat(),
            "pelaku": self.respondent,
            "saksi_1_nama": self.witness,
            "alat_bukti": self.evidence,
            "uraian_dugaan": self.analysis,
        }


def supervision(unit: Unit, author: User, at: datetime) -> dict[str, Any]:
    """Answers that Form A accepts of somebody who watched and suspects nothing."""
    day = at.astimezone(WITA).date().isoformat()
    return {
        "tahapan": "penghitungan",
        "nama_pelaksana": author.name,
        "jabatan": f"Pengawas di {unit.title}",
        "bentuk": "langsung",
        "kegiatan": ["pengawasan", "mencegah"],
        "tujuan": "Memastikan semua pihak menaati ketentuan.",
        "sasaran": "Pergeseran kotak suara dari TPS",
        "tanggal": day,
        "jam_mulai": "07:00",
        "tempat": unit.title,
        "uraian": "Kotak suara tersegel dan diangkut dengan pengawalan. Semua diterima lengkap dan dicatat.",
        "ada_dugaan": "tidak",
        "ada_sengketa": "tidak",
        "tempat_laporan": unit.title,
        "tanggal_laporan": day,
        "ada_kejadian": "tidak",
    }


SUSPICIONS: dict[str, Suspicion] = {
    "props": Suspicion(
        level=Level.VILLAGE, nth=0, filed=wita(11, 15, 30), stage="masa_tenang",
        event="Sepuluh alat peraga kampanye masih terpasang di jalan poros pada hari pertama masa tenang. Ditegur"
        " lisan pukul 08.00; sampai pukul 15.00 belum diturunkan.",
        place="Jalan poros, RT 07",
        respondent="Tim kampanye, petugas pemasang",
        witness="Ketua RT 07",
        evidence="Sepuluh foto dengan waktu pengambilan; catatan teguran lisan.",
        analysis="Masa tenang sudah berjalan dan alat peraga belum dibersihkan meski sudah ditegur.",
        kind=Kind.ADMINISTRATIVE, body=Level.DISTRICT, recorded=wita(11, 19),
    ),
    "groceries": Suspicion(
        level=Level.VILLAGE, nth=1, filed=wita(13, 10), stage="masa_tenang",
        event="Dua orang membagikan paket sembako berstiker peserta pemilu dari rumah ke rumah. Tujuh rumah menerima.",
        place="RT 12, belakang pasar",
        respondent="Pembagi sembako berkaus putih",
        witness="Warga RT 12, penerima paket",
        evidence="Satu paket sembako dengan stiker; rekaman video 40 detik.",
        analysis="Diduga memberi barang kepada pemilih pada masa tenang (UU 7/2017 Pasal 523 ayat (2)).",
        kind=Kind.CRIMINAL, body=Level.DISTRICT, recorded=wita(13, 14),
    ),
    "shirt": Suspicion(
        level=Level.POLLING_STATION, nth=0, filed=wita(14, 10), stage="pemungutan",
        event="Seorang saksi mengenakan kaus bergambar peserta pemilu di dalam TPS. Setelah ditegur ketua KPPS, saksi"
        " berganti pakaian pukul 08.10.",
        place="Di dalam TPS",
        respondent="Saksi berkaus gambar peserta",
        witness="Anggota KPPS kedua",
        evidence="Foto pukul 07.55.",
        analysis="Saksi dilarang mengenakan atribut peserta pemilu. Sudah diperbaiki di tempat.",
        kind=Kind.ADMINISTRATIVE, body=Level.DISTRICT, recorded=wita(14, 20),
    ),
    "twice": Suspicion(
        level=Level.POLLING_STATION, nth=1, filed=wita(14, 12), stage="pemungutan",
        event="Seorang pemilih hendak memberikan suara padahal jarinya sudah bertinta. KPPS menolak; menurut saksi ia"
        " sudah memilih di TPS sebelah dengan surat pemberitahuan orang lain.",
        place="Meja pendaftaran TPS",
        respondent="Pemilih berjari tinta",
        witness="Saksi di meja pendaftaran",
        evidence="Surat pemberitahuan atas nama orang lain; foto jari bertinta.",
        analysis="Diduga memberikan suara lebih dari satu kali (UU 7/2017 Pasal 516).",
        kind=Kind.CRIMINAL, body=Level.DISTRICT, recorded=wita(14, 20, 30),
    ),
    "bus": Suspicion(
        level=Level.POLLING_STATION, nth=2, filed=wita(14, 13, 30), stage="pemungutan",
        event="Satu mobil bak terbuka tiga kali menurunkan pemilih di dekat TPS. Sopir membagikan kertas bernomor urut"
        " sebelum mereka turun.",
        place="Simpang jalan, 50 meter dari TPS",
        respondent="Sopir mobil bak terbuka",
        witness="Penjaga warung di simpang jalan",
        evidence="Foto mobil; satu lembar kertas bernomor urut.",
        analysis="Diduga mobilisasi pemilih pada hari pemungutan suara. Perlu keterangan dari sopir.",
    ),
    "boxes": Suspicion(
        level=Level.DISTRICT, nth=0, filed=wita(14, 16), stage="logistik",
        event="Dua anggota PPK menerima tamu dari tim peserta pemilu di ruang penyimpanan kotak suara. Buku tamu tidak"
        " diisi dan petugas jaga tidak diberi tahu.",
        place="Gudang logistik kecamatan",
        respondent="Dua anggota PPK",
        witness="Petugas jaga gudang",
        evidence="Rekaman kamera gudang; keterangan petugas jaga.",
        analysis="Diduga melanggar kewajiban bersikap mandiri dan terbuka (kode etik penyelenggara).",
        kind=Kind.ETHICS, body=Level.REGENCY, recorded=wita(14, 19),
    ),
    "movers": Suspicion(
        level=Level.REGENCY, nth=0, filed=wita(14, 17, 30), stage="pemungutan",
        event="Empat belas pemilih pindahan di TPS lokasi khusus tidak dilayani, karena surat suara untuk mereka tidak"
        " dikirim. Permintaan kepada PPK dijawab setelah pemungutan ditutup.",
        place="TPS lokasi khusus",
        respondent="PPK dan KPU kabupaten/kota",
        witness="Petugas lokasi khusus",
        evidence="Daftar pemilih pindahan; catatan permintaan pukul 09.15.",
        analysis="Diduga pelanggaran tata cara pelayanan pemilih pindahan; menyangkut lebih dari satu kecamatan.",
        kind=Kind.ADMINISTRATIVE, body=Level.PROVINCE, recorded=wita(14, 20, 45),
    ),
}  # fmt: skip
