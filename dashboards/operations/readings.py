"""The state of the machine as one table: what is read, what it means, from where on somebody must act, and how.

The operator page and the metrics for Prometheus are two printings of this table (dashboards/operations/queries.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboards.operations import probes
from dashboards.operations.probes import Found

MINUTE = 60.0
Probe = Callable[[datetime], Found]


class ReadingUnit(Enum):
    """What a value counts; shares are of 1."""

    COUNT = "count"
    SECONDS = "seconds"
    BYTES = "bytes"
    SHARE = "share"
    YES = "yes"  # 1 yes, 0 no


# Parts of the page, in its order.
INTAKE = _("Laporan masuk dan rekap")
WORK = _("Antrean dan pekerja")
DATABASE = _("Basis data")
JOURNAL = _("Jurnal")
OUT = _("Rekap, publikasi, dan penyimpanan")


@dataclass(frozen=True)
class Pieces:
    """The pieces of a reading: metric `name` with one `label`, from `key` of the same probe."""

    name: str
    label: str
    key: str
    unit: ReadingUnit = ReadingUnit.COUNT


@dataclass(frozen=True)
class Reading:
    """`limit`: the greatest value in order, with `at_least` the smallest; None: to know, not to act upon.

    `action` says what to do beyond the limit. `name` is the metric's, without its prefix.
    """

    name: str
    unit: ReadingUnit
    group: Promise
    title: Promise
    meaning: Promise
    probe: Probe
    key: str
    limit: float | None = None
    at_least: bool = False
    action: Promise | str = ""
    pieces: Pieces | None = None


_WORKER = _("Periksa proses “worker”, lalu “beat”. Jalankan lagi yang mati; tidak ada laporan yang hilang.")
_WAITS = _("Cari transaksi yang lama di pg_stat_activity. Hentikan bila tidak bergerak: pg_terminate_backend(pid).")

READINGS: tuple[Reading, ...] = (
    Reading(
        "filings_last_minute",
        ReadingUnit.COUNT,
        INTAKE,
        _("Laporan masuk, 1 menit terakhir"),
        _("Laporan baru dan perbaikan yang sudah tersimpan."),
        probes.journal,
        "last_minute",
    ),
    Reading(
        "filings_last_ten_minutes",
        ReadingUnit.COUNT,
        INTAKE,
        _("Laporan masuk, 10 menit terakhir"),
        _("Bandingkan dengan 1 menit terakhir untuk melihat arus naik atau turun."),
        probes.journal,
        "last_ten",
    ),
    Reading(
        "windows_unopened",
        ReadingUnit.COUNT,
        INTAKE,
        _("Masa laporan yang terlambat dibuka"),
        _("Waktunya sudah tiba, tetapi belum dapat diisi siapa pun."),
        probes.calendar,
        "unopened",
        limit=0,
        action=_(
            "Periksa proses “worker” dan “beat”. Bila versi formulirnya sudah ditarik, terbitkan versi yang benar: "
            "manage.py publish_instrument BERKAS --code KODE."
        ),
        pieces=Pieces("windows_unopened_by_instrument", "instrument", "by_instrument"),
    ),
    Reading(
        "rollup_lag_seconds",
        ReadingUnit.SECONDS,
        INTAKE,
        _("Keterlambatan angka provinsi"),
        _("Paling lama laporan yang sudah diterima menunggu masuk ke angka provinsi."),
        probes.rollup,
        "lag",
        limit=30.0,
        action=_WORKER,
    ),
    Reading(
        "outbox_marks",
        ReadingUnit.COUNT,
        INTAKE,
        _("Tanda hitung ulang yang menunggu"),
        _("Setiap perubahan laporan meninggalkan satu tanda sampai angkanya dihitung ulang."),
        probes.outbox,
        "marks",
        limit=5_000,
        action=_("Tambah “worker” bila tandanya terus naik. Bila tidak turun sama sekali, jalankan lagi “worker”."),
        pieces=Pieces("outbox_marks_by_regency", "regency", "by_regency"),
    ),
    Reading(
        "outbox_oldest_seconds",
        ReadingUnit.SECONDS,
        INTAKE,
        _("Umur tanda tertua"),
        _("Berapa lama tanda yang paling lama sudah menunggu."),
        probes.outbox,
        "oldest",
        limit=30.0,
        action=_WORKER,
    ),
    Reading(
        "broker_up",
        ReadingUnit.YES,
        WORK,
        _("Perantara pesan menjawab"),
        _("Valkey mengantar pekerjaan ke “worker”. Tanpanya angka terlambat, tetapi laporan tetap diterima."),
        probes.broker,
        "up",
        limit=1,
        at_least=True,
        action=_("Jalankan lagi Valkey. Pekerjaan yang hilang dicari kembali dari basis data."),
    ),
    Reading(
        "workers",
        ReadingUnit.COUNT,
        WORK,
        _("Pekerja yang hidup"),
        _("“Worker” yang memberi tanda hidup dalam 15 detik terakhir."),
        probes.broker,
        "workers",
        limit=1,
        at_least=True,
        action=_("Jalankan lagi “worker”. Angka menunggu sampai ada yang hidup."),
    ),
    Reading(
        "queue_messages",
        ReadingUnit.COUNT,
        WORK,
        _("Pesan dalam antrean"),
        _("Pekerjaan yang belum diambil “worker”."),
        probes.broker,
        "queue",
        limit=200,
        action=_("Tambah “worker”. Bila tidak ada yang mengambil, jalankan lagi “worker”."),
    ),
    Reading(
        "locks_waiting",
        ReadingUnit.COUNT,
        DATABASE,
        _("Proses yang menunggu kunci"),
        _("Proses basis data yang berhenti sampai proses lain selesai."),
        probes.database,
        "locks",
        limit=20,
        action=_WAITS,
    ),
    Reading(
        "lock_longest_wait_seconds",
        ReadingUnit.SECONDS,
        DATABASE,
        _("Tunggu kunci paling lama"),
        _("Orang yang sedang mengirim laporan bisa ikut menunggu selama ini."),
        probes.database,
        "lock_wait",
        limit=5.0,
        action=_WAITS,
    ),
    Reading(
        "connections_share",
        ReadingUnit.SHARE,
        DATABASE,
        _("Sambungan basis data terpakai"),
        _("Bila habis, situs menjawab dengan galat."),
        probes.database,
        "connections",
        limit=0.8,
        action=_("Kurangi DATABASE_POOL atau jumlah proses, atau naikkan max_connections."),
        pieces=Pieces("connections", "kind", "by_kind"),
    ),
    Reading(
        "oldest_transaction_seconds",
        ReadingUnit.SECONDS,
        DATABASE,
        _("Transaksi terbuka paling lama"),
        _("Transaksi yang lama menahan pembersihan tabel. Rekap besar boleh sampai beberapa menit."),
        probes.database,
        "transaction",
        limit=10 * MINUTE,
        action=_WAITS,
    ),
    Reading(
        "database_size_bytes",
        ReadingUnit.BYTES,
        DATABASE,
        _("Ukuran basis data"),
        _("Semua tabel dan indeks. Bandingkan dengan ruang di server basis data."),
        probes.database,
        "size",
    ),
    Reading(
        "journal_unsealed_events",
        ReadingUnit.COUNT,
        JOURNAL,
        _("Catatan jurnal belum disegel"),
        _("Setiap menit catatan baru dirangkai dengan sidik, sehingga tidak dapat diubah diam-diam."),
        probes.journal,
        "unsealed",
    ),
    Reading(
        "journal_oldest_unsealed_seconds",
        ReadingUnit.SECONDS,
        JOURNAL,
        _("Umur catatan tertua yang belum disegel"),
        _("Wajarnya kurang dari dua menit."),
        probes.journal,
        "unsealed_oldest",
        limit=5 * MINUTE,
        action=_("Periksa proses “beat”: ia yang meminta penyegelan setiap menit."),
    ),
    Reading(
        "journal_last_seal_seconds",
        ReadingUnit.SECONDS,
        JOURNAL,
        _("Segel terakhir dibuat"),
        _("Selang waktu sampai sekarang. Tanpa catatan baru tidak ada segel baru."),
        probes.journal,
        "sealed",
    ),
    Reading(
        "exports_waiting",
        ReadingUnit.COUNT,
        OUT,
        _("Rekap yang menunggu dibuat"),
        _("Buku kerja Excel yang diminta dan belum mulai dibuat."),
        probes.recaps,
        "waiting",
        limit=50,
        action=_("Tambah “worker”, atau tunggu: yang diminta lebih dulu dibuat lebih dulu."),
    ),
    Reading(
        "exports_oldest_waiting_seconds",
        ReadingUnit.SECONDS,
        OUT,
        _("Rekap paling lama menunggu"),
        _("Sejak diminta sampai sekarang."),
        probes.recaps,
        "oldest",
        limit=10 * MINUTE,
        action=_WORKER,
    ),
    Reading(
        "messages_oldest_waiting_seconds",
        ReadingUnit.SECONDS,
        OUT,
        _("Pengingat paling lama belum terkirim"),
        _("Surel dan pesan gerbang yang waktunya sudah tiba. Yang ditahan jam tenang tidak dihitung."),
        probes.messages,
        "oldest",
        limit=10 * MINUTE,
        action=_WORKER,
    ),
    Reading(
        "messages_lost_last_day",
        ReadingUnit.COUNT,
        OUT,
        _("Pengingat gagal atau tidak pasti, 1 hari terakhir"),
        _("Yang ditolak server surel atau gerbang, dan yang pengirimnya mati di tengah jalan."),
        probes.messages,
        "lost",
        limit=0,
        action=_("Buka Teks pesan, lalu Catatan pengiriman, dan periksa EMAIL_URL atau GATEWAY_URL."),
    ),
    Reading(
        "publication_newest_seconds",
        ReadingUnit.SECONDS,
        OUT,
        _("Umur rilis publik terbaru"),
        _("Sejak keadaan angka yang dirilis. Rilis dibuat atas keputusan, bukan otomatis."),
        probes.releases,
        "newest",
        pieces=Pieces("publication_age_seconds", "election", "by_election", ReadingUnit.SECONDS),
    ),
    Reading(
        "disk_free_share",
        ReadingUnit.SHARE,
        OUT,
        _("Ruang penyimpanan tersisa"),
        _("Di tempat foto bukti dan rekap. Ruang server basis data dilihat di servernya sendiri."),
        probes.disk,
        "free",
        limit=0.2,
        at_least=True,
        action=_("Pindahkan rekap lama atau perbesar penyimpanan sebelum penuh."),
        pieces=Pieces("disk_free_bytes", "place", "by_place", ReadingUnit.BYTES),
    ),
)
