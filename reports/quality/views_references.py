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
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from hierarchy.models import Membership
from hierarchy.web import SignedIn, admin_membership, refusals_in
from reports.quality import references as reference

MEGABYTE = 1_000_000
LONGEST_STEM = 100  # bytes of a name on disk, which may hold 255 with its suffix
MOST = 5 * MEGABYTE  # a figure for each of 11,441 stations is half a megabyte


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
    own = admin_membership(request)
    posted = request.method == "POST"
    form = ReferencesForm(request.POST if posted else None, request.FILES if posted else None)
    loaded = None
    if posted and form.is_valid():
        with refusals_in(form, "file"):
            loaded = _load(form.cleaned_data["file"], own, request)
            if "muat" in request.POST:
                messages.success(
                    request,
                    _("Angka dimuat: %(new)d baru, %(changed)d berubah, %(same)d tetap.")
                    % {"new": loaded.new, "changed": loaded.changed, "same": loaded.same},
                )
                return redirect("references")
    context = {"form": form, "loaded": loaded, "columns": reference.COLUMNS, "unit": own.unit, "nav_current": "unit"}
    return render(request, "reports/quality/references.html", context, status=422 if form.errors else 200)


def _load(file: UploadedFile, own: Membership, request: SignedIn) -> reference.LoadResult:
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
