"""Pages on which an admin sets what a body or an election goes by: a body's own quorum, figures of the commission."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from hierarchy import access
from hierarchy.access import COLLEGIAL, Permission
from hierarchy.lib.tabular import TableError
from hierarchy.models import Membership, Unit
from hierarchy.querysets import visible_q
from reports.bodies.models import Quorum
from reports.filing.views import SignedIn, paged, posted_pk, seat
from reports.plenary import attendance as sitting
from reports.quality import references as reference

MEGABYTE = 1_000_000
LONGEST_STEM = 100  # bytes of a name on disk, which may hold 255 with its suffix
MOST = 5 * MEGABYTE  # a figure for each of 11,441 stations is half a megabyte


def _admin_seat(request: SignedIn) -> Membership:
    """From where the reader administers; to everybody else these pages do not exist."""
    seats = access.seats(request.user, Permission.MANAGE_ROSTER)
    if not seats:
        raise Http404
    return seats[0]


# --- quorum ---------------------------------------------------------------------------------------------------------


class QuorumForm(forms.Form):
    """Which body, how many, and by what rule."""

    code = forms.CharField(
        label=gettext_lazy("Kode satuan"),
        help_text=gettext_lazy("Kode provinsi, kabupaten/kota, atau kecamatan. Boleh dengan atau tanpa titik."),
        error_messages={"required": gettext_lazy("Isi kode satuan.")},
    )
    needed = forms.IntegerField(
        label=gettext_lazy("Anggota yang harus hadir"),
        min_value=1,
        error_messages={
            "required": gettext_lazy("Isi jumlah anggota."),
            "invalid": gettext_lazy("Isi jumlah anggota."),
        },
    )
    reason = forms.CharField(
        label=gettext_lazy("Dasar aturannya"),
        max_length=200,
        help_text=gettext_lazy("Misalnya nomor keputusan atau tata tertib."),
        error_messages={"required": gettext_lazy("Tuliskan dasar aturannya.")},
    )


@never_cache
@login_required
def quorums(request: SignedIn) -> HttpResponse:
    """Bodies whose quorum is not the usual one, and the form that sets one."""
    own = _admin_seat(request)
    posted = request.method == "POST"
    form = QuorumForm(request.POST if posted else None)
    if posted and form.is_valid():
        code = form.cleaned_data["code"].replace(".", "").strip()
        units = Unit.objects.visible_to(request.user).filter(election=own.unit.election_id, level__in=COLLEGIAL)
        unit = units.select_related("election").filter(code=code).first()
        if unit is None:
            form.add_error("code", _("Tidak ada lembaga dengan kode ini di wilayah Anda. Periksa kodenya."))
        else:
            given = {name: form.cleaned_data[name] for name in ("needed", "reason")}
            try:
                sitting.set_quorum(unit=unit, by=request.user, **given)
            except sitting.PlenaryError as error:
                form.add_error("needed", str(error))
            else:
                messages.success(request, _("Kuorum %(unit)s disimpan.") % {"unit": unit.title})
                return redirect("quorums")
    rows = Quorum.objects.filter(visible_q(request.user, "unit__")).select_related("unit", "set_by")
    context = {"form": form, "page": paged(request, rows.order_by("unit__code")), "nav_current": "plenaries"}
    return render(request, "reports/quorums.html", context | seat(request), status=422 if form.errors else 200)


@login_required
@require_POST
def usual_quorum(request: SignedIn) -> HttpResponse:
    """Gives a body the usual quorum again."""
    _admin_seat(request)
    rows = Quorum.objects.filter(visible_q(request.user, "unit__")).select_related("unit__election")
    sitting.unset_quorum(quorum=get_object_or_404(rows, pk=posted_pk(request, "kuorum")), by=request.user)
    return redirect("quorums")


# --- figures of the commission --------------------------------------------------------------------------------------


class ReferencesForm(forms.Form):
    """A file of figures."""

    file = forms.FileField(
        label=gettext_lazy("Berkas CSV atau XLSX"),
        error_messages={
            "required": gettext_lazy("Pilih berkasnya."),
            "empty": gettext_lazy("Berkas ini kosong. Pilih berkas lain."),
        },
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MOST:
            raise ValidationError(
                _("Berkas ini lebih besar dari %(most)d MB. Bagi menjadi beberapa berkas.") % {"most": MOST // MEGABYTE}
            )
        return file


@never_cache
@login_required
def references(request: SignedIn) -> HttpResponse:
    """Load figures of the election commission, or look first what a file would change."""
    own = _admin_seat(request)
    posted = request.method == "POST"
    form = ReferencesForm(request.POST if posted else None, request.FILES if posted else None)
    loaded = None
    if posted and form.is_valid():
        try:
            loaded = _load(form.cleaned_data["file"], own, request)
        except TableError as error:
            form.add_error("file", ValidationError([str(line) for line in str(error).splitlines()]))
        else:
            if "muat" in request.POST:
                messages.success(
                    request,
                    _("Angka dimuat: %(new)d baru, %(changed)d berubah, %(same)d tetap.")
                    % {"new": loaded.new, "changed": loaded.changed, "same": loaded.same},
                )
                return redirect("references")
    context = {"form": form, "loaded": loaded, "columns": reference.COLUMNS, "unit": own.unit, "nav_current": "unit"}
    return render(request, "reports/references.html", context | seat(request), status=422 if form.errors else 200)


def _load(file: UploadedFile, own: Membership, request: SignedIn) -> reference.Loaded:
    """Through a file on disk under the name it came with: its reader goes by the suffix, and its faults name it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _short(file.name or "")
        path.write_bytes(b"".join(file.chunks()))
        wish: dict[str, Any] = {"election": own.unit.election, "within": own.unit, "by": request.user}
        return reference.load(path=path, dry_run="muat" not in request.POST, **wish)


def _short(name: str) -> str:
    """The name within what every file system takes, its suffix kept."""
    given = Path(name)
    stem = get_valid_filename(f"_{given.stem}")[1:].encode()[:LONGEST_STEM].decode(errors="ignore")
    return (stem or "berkas") + (given.suffix if re.fullmatch(r"\.\w{1,9}", given.suffix) else "")
