"""Pages of messages: one's own; for the province's admin, their words and what became of each."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.access import Permission
from hierarchy.levels import Level
from hierarchy.models import Unit, User
from hierarchy.web import SignedIn, paged, refusals_in, refusals_told
from reports.reminders import actions as reminders
from reports.reminders import push, wording
from reports.reminders.models import Carrier, Device, Message

HIDDEN = 4  # letters of an address that the log shows at its end


@never_cache
@login_required
@require_safe
def inbox(request: SignedIn) -> HttpResponse:
    """What one was told, newest first; whatever carrier brought it, it stands here too."""
    mine = Message.objects.filter(user=request.user, carrier=Carrier.APP)
    context = {
        "page": paged(request, mine),
        "unread": mine.filter(read_at=None).count(),
        "push_key": push.public_key(),
        "devices": Device.objects.filter(user=request.user).count(),
        "nav_current": "tasks",
    }
    return render(request, "reports/reminders/messages.html", context)


@login_required
@require_POST
def devices(request: SignedIn) -> HttpResponse:
    """Switch Web Push on for the browser that asks, or off for every device of the person."""
    if "matikan" in request.POST:
        push.forget([request.user.pk])
        messages.success(request, _("Pemberitahuan dimatikan di semua perangkat Anda."))
        return redirect("messages")
    asked = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    with refusals_told(request):
        push.subscribe(user=request.user, **asked)
        request.session[push.SESSION_KEY] = asked["endpoint"]
        messages.success(request, _("Perangkat ini sekarang menerima pemberitahuan."))
    return redirect("messages")


@require_safe
@cache_control(public=True, max_age=3600)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that shows pushed messages; from the root, because it may only speak for what lies below it."""
    script = (settings.BASE_DIR / "static" / "js" / "sw.js").read_text()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@login_required
@require_POST
def read_all(request: SignedIn) -> HttpResponse:
    reminders.mark_read(request.user)
    return redirect("messages")


class WordingForm(forms.Form):
    """A subject and one paragraph."""

    subject = forms.CharField(
        label=gettext_lazy("Judul"),
        max_length=wording.LONGEST_SUBJECT,
        error_messages={"required": gettext_lazy("Isi judulnya.")},
    )
    body = forms.CharField(
        label=gettext_lazy("Isi"),
        max_length=wording.LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": gettext_lazy("Tulis isinya.")},
    )


@never_cache
@login_required
@require_safe
def wordings(request: SignedIn) -> HttpResponse:
    """The kinds of messages in the order of the ladder, with the text in force."""
    _province(request.user)
    texts = wording.in_force()
    kinds = [(kind, spec, texts[kind]) for kind, spec in wording.KINDS.items()]
    return render(request, "reports/reminders/wordings.html", {"kinds": kinds, "nav_current": "tasks"})


@never_cache
@login_required
def edit_wording(request: SignedIn, kind: str) -> HttpResponse:
    """One text: look at it filled in, then put it in force for everybody."""
    unit = _province(request.user)
    if kind not in wording.KINDS:
        raise Http404
    text = wording.in_force()[kind]
    form = WordingForm(request.POST if request.method == "POST" else {"subject": text.subject, "body": text.body})
    sample = None
    if form.is_valid():
        text = wording.RungText(form.cleaned_data["subject"], form.cleaned_data["body"])
        with refusals_in(form):
            sample = wording.preview(text)
            if request.POST.get("langkah") == "simpan":
                wording.edit(kind=kind, text=text, unit=unit, by=request.user)
                messages.success(request, _("Teks disimpan dan berlaku mulai pesan berikutnya."))
                return redirect("wordings")
    context = {
        "form": form,
        "kind": kind,
        "spec": wording.KINDS[kind],
        "sample": sample,
        "places": [(f"{{{name}}}", words) for name, (words, _sample) in wording.PLACES.items()],
        "nav_current": "tasks",
    }
    return render(request, "reports/reminders/wording.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_safe
def message_log(request: SignedIn) -> HttpResponse:
    """What left the house, or did not, newest first."""
    unit = _province(request.user)
    asked: Any = request.GET
    rows = Message.objects.filter(user__memberships__unit__province=unit).exclude(carrier=Carrier.APP).distinct()
    state, carrier = asked.get("keadaan", ""), asked.get("jalur", "")
    if state in Message.State.values:
        rows = rows.filter(state=state)
    if carrier in Carrier.values:
        rows = rows.filter(carrier=carrier)
    page = paged(request, rows.select_related("user"))
    context = {
        "page": page,
        "rows": [(message, "…" + message.address[-HIDDEN:]) for message in page],
        "state": state,
        "carrier": carrier,
        "states": Message.State.choices,
        "carriers": [choice for choice in Carrier.choices if choice[0] != Carrier.APP],
        "nav_current": "tasks",
    }
    return render(request, "reports/reminders/log.html", context)


def _province(user: User) -> Unit:
    """The province whose admin the user is; Http404 for everybody else."""
    for row in access.memberships_with(user, Permission.MANAGE_CALENDAR):
        if row.unit.level == Level.PROVINCE:
            return row.unit
    raise Http404
