"""Pages of recap workbooks: ask for one, watch it grow, take it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from dashboards.models import ExportJob
from dashboards.recaps import actions as recaps
from hierarchy import access
from hierarchy.access import Permission
from hierarchy.lib import formats, stored
from hierarchy.lib.errors import Refusal
from hierarchy.models import Unit, User
from hierarchy.units.queries import one
from hierarchy.web import SignedIn, paged, refusals_in, refusals_told
from reports.calendar.models import Stage

PER_PAGE = 10
MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class AskForm(forms.Form):
    """What a recap is to be about. Its fields carry the names of the addresses that pages link to."""

    satuan = forms.CharField(
        label=gettext_lazy("Kode satuan"),
        help_text=gettext_lazy("Satuan Anda atau jajaran di bawahnya, misalnya 64.72.01. Titik boleh tidak ditulis."),
        max_length=20,
    )
    tahapan = forms.ChoiceField(
        label=gettext_lazy("Tahapan"), error_messages={"invalid_choice": gettext_lazy("Pilih tahapan dari daftar.")}
    )
    dasar = forms.ChoiceField(
        label=gettext_lazy("Angka yang dihitung"),
        choices=[
            ("filed", gettext_lazy("Dilaporkan")),
            ("approved", gettext_lazy("Disetujui")),
            ("ratified", gettext_lazy("Disahkan pleno")),
        ],
        widget=forms.RadioSelect,
        initial="filed",
    )
    rinci = forms.BooleanField(
        label=gettext_lazy("Rinci: satu baris untuk setiap TPS, desa, atau kecamatan yang melapor"), required=False
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        memberships = access.memberships_with(user, Permission.EXPORT)
        elections = {membership.unit.election_id for membership in memberships}
        stages = Stage.objects.filter(election__in=elections, windows__opened_at__isnull=False).distinct()
        # The newest stage first, because that is what somebody wants; what belongs to no stage last.
        newest = stages.select_related("election").order_by("-election__voting_day", "-sequence")
        rows = sorted(newest, key=lambda stage: stage.code == "NON_TAHAPAN")
        self.stages = {f"{stage.election.code}/{stage.code}": stage for stage in rows}
        self.fields["tahapan"].choices = [  # type: ignore[attr-defined]
            (key, f"{stage.name} · {stage.election.name}") for key, stage in self.stages.items()
        ]
        if memberships:
            self.fields["satuan"].initial = formats.unit_code(memberships[0].unit.code)


@dataclass(frozen=True)
class JobProgress:
    """A job as its fragment and components/progress.html show it."""

    job: ExportJob
    stage: str
    percent: int
    words: str
    done: bool
    error: str
    page_url: str
    file_url: str
    url: str = ""  # the fragment polls as a whole, not its bar alone

    @property
    def polls(self) -> bool:
        return not self.done and not self.error


def _shown(job: ExportJob, names: dict[tuple[int, str], str]) -> JobProgress:
    done = job.state == ExportJob.State.DONE
    running = job.state == ExportJob.State.RUNNING and job.total
    words = str(ExportJob.State(job.state).label)
    if running:
        rows = {"done": formats.number(job.done), "total": formats.number(job.total)}
        words = _("%(words)s: baris %(done)s dari %(total)s") % {"words": words, **rows}
    return JobProgress(
        job=job,
        stage=names.get((job.unit.election_id, job.stage_code), job.stage_code),
        percent=100 if done else 100 * job.done // job.total if running else 0,
        words=words,
        done=done,
        error=job.error if job.state == ExportJob.State.FAILED else "",
        page_url=reverse("export-status", args=[job.pk]),
        file_url=reverse("export-file", args=[job.pk]) if done else "",
    )


def _shown_all(jobs: list[ExportJob]) -> list[JobProgress]:
    stages = Stage.objects.filter(election__in={job.unit.election_id for job in jobs})
    names = {(stage.election_id, stage.code): stage.name for stage in stages}
    return [_shown(job, names) for job in jobs]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def recaps_page(request: SignedIn) -> HttpResponse:
    """One's own recaps, and the form to ask for another. POST asks for it."""
    user = request.user
    if request.method == "POST":
        form = AskForm(user, request.POST)
        if form.is_valid() and _asked(request, form, user):
            return redirect("exports")
    else:
        form = AskForm(user, initial={name: request.GET[name] for name in AskForm.base_fields if name in request.GET})
    page = paged(request, recaps.visible_to(user).filter(asked_by=user), per_page=PER_PAGE)
    context = {"form": form, "page": page, "jobs": _shown_all(list(page.object_list)), "nav_current": "exports"}
    return render(request, "dashboards/recaps/recaps.html", context, status=422 if form.errors else 200)


def _asked(request: HttpRequest, form: AskForm, user: User) -> bool:
    """Whether the wish was accepted; what was wrong with it stands at the fields."""
    wanted = form.cleaned_data
    stage = form.stages[wanted["tahapan"]]
    unit = one(wanted["satuan"], Unit.objects.visible_to(user).filter(election=stage.election))
    if unit is None:
        form.add_error("satuan", _("Satuan dengan kode ini tidak ada di wilayah Anda. Periksa kodenya."))
        return False
    with refusals_in(form):
        try:
            recaps.ask(unit=unit, stage_code=stage.code, basis=wanted["dasar"], detail=wanted["rinci"], by=user)
        except (PermissionDenied, Http404) as refused:
            raise Refusal(str(refused), "satuan") from None
        messages.success(request, _("Rekap masuk antrean. Halaman ini menunjukkan bila sudah selesai."))
        return True
    return False


@never_cache
@login_required
@require_safe
def status(request: SignedIn, pk: UUID) -> HttpResponse:
    """One recap: the fragment that a page polls, or a page of its own for a browser without scripts."""
    job = get_object_or_404(recaps.visible_to(request.user), pk=pk)
    (shown,) = _shown_all([job])
    template = "dashboards/recaps/job.html"
    if request.headers.get("HX-Request"):
        return render(request, f"{template}#job", {"job": shown})
    return render(request, template, {"job": shown, "nav_current": "exports"})


@never_cache
@login_required
@require_safe
def file(request: SignedIn, pk: UUID) -> HttpResponseBase:
    """The workbook itself."""
    job = get_object_or_404(recaps.visible_to(request.user), pk=pk)
    with refusals_told(request):
        found = recaps.hand_over(job=job, by=request.user)
        name = found.name.rpartition("/")[2] if found.name else ""
        return stored.answer(found, as_attachment=True, filename=name, content_type=MIME)
    return redirect("export-status", pk=pk)
