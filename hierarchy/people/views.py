"""Coming in: log in, activate an account with the code from its card, find one's own unit, go out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, logout, views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, SetPasswordMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from hierarchy import access
from hierarchy.models import User
from hierarchy.people import activation, leaving
from hierarchy.signin import actions as signin
from hierarchy.signin import devices
from hierarchy.signin.throttle import NotNow
from hierarchy.web import SignedIn, refusals_in, with_status


class LoginForm(AuthenticationForm):
    username = forms.CharField(
        label=gettext_lazy("Nama pengguna"),
        error_messages={"required": gettext_lazy("Isi nama pengguna Anda.")},
        widget=forms.TextInput(attrs={"autofocus": True, "autocapitalize": "none", "autocomplete": "username"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Kata sandi"),
        strip=False,
        error_messages={"required": gettext_lazy("Isi kata sandi Anda.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    error_messages = {
        "invalid_login": gettext_lazy("Nama pengguna atau kata sandi tidak cocok. Periksa, lalu coba lagi."),
        "inactive": gettext_lazy("Akun ini tidak aktif. Hubungi atasan Anda."),
    }

    refused: NotNow | None = None

    def clean(self) -> dict[str, Any]:
        assert self.request is not None, "LoginView hands its request over"
        given = self.cleaned_data
        if not given.keys() >= {"username", "password"}:
            return given
        try:
            self.user_cache = signin.check(self.request, **given, device=devices.shown(self.request))
        except NotNow as refused:
            self.refused = refused
            raise ValidationError(str(refused)) from None
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        return given


class LoginView(views.LoginView):
    template_name = "hierarchy/people/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        assert isinstance(user, User)
        devices.keep(self.request, response, user)
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        page = super().form_invalid(form)
        return with_status(page, form.refused) if isinstance(form, LoginForm) and form.refused else page


class ActivationForm(SetPasswordMixin, forms.Form):
    """The code from the card and a password of one's own."""

    username = forms.CharField(
        label=gettext_lazy("Nama pengguna"),
        help_text=gettext_lazy("Tertulis di kartu akun Anda."),
        error_messages={"required": gettext_lazy("Isi nama pengguna yang tertulis di kartu akun Anda.")},
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "username"}),
    )
    code = forms.CharField(
        label=gettext_lazy("Kode aktivasi"),
        help_text=gettext_lazy("Tertulis di kartu akun Anda dan berlaku terbatas. Huruf besar dan kecil sama saja."),
        error_messages={"required": gettext_lazy("Isi kode aktivasi yang tertulis di kartu akun Anda.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
    )
    password1 = forms.CharField(
        label=gettext_lazy("Kata sandi baru"),
        help_text=gettext_lazy(
            "Paling sedikit 10 huruf atau angka, misalnya tiga kata yang tidak saling terkait. Bukan nama, tanggal, "
            "kode wilayah, atau kata pengawasan."
        ),
        strip=False,
        error_messages={"required": gettext_lazy("Pilih kata sandi Anda sendiri.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=gettext_lazy("Ulangi kata sandi baru"),
        strip=False,
        error_messages={"required": gettext_lazy("Ketik kata sandi baru sekali lagi.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    error_messages = {
        "password_mismatch": gettext_lazy("Kedua kata sandi berbeda. Ketik ulang keduanya."),
    }

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords()
        return super().clean()


@sensitive_post_parameters()
@never_cache
def activate(request: HttpRequest) -> HttpResponse:
    form = ActivationForm(request.POST or None, initial={"username": request.GET.get("nama", "")})
    busy: NotNow | None = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        # Not counted: a code is never guessed, and whoever holds one must get in however others knock.
        with refusals_in(form):
            try:
                user = activation.activate(username=given["username"], code=given["code"], password=given["password1"])
            except NotNow as refusal:
                busy = refusal
                raise
            except ValidationError as weak:
                form.add_error("password1", weak.messages)
            else:
                signin.settle(request, user)
                login(request, user)
                response = redirect("tasks")
                devices.keep(request, response, user)
                return response
    page = render(request, "hierarchy/people/activate.html", {"form": form}, status=422 if form.errors else 200)
    return with_status(page, busy) if busy else page


@login_required
@require_POST
def sign_out_everywhere(request: SignedIn) -> HttpResponse:
    """Out on every device, this one included: for a phone that was lost or left with somebody."""
    leaving.sign_out_everywhere(user=request.user, by=request.user)
    logout(request)
    messages.success(request, _("Anda sudah keluar dari semua perangkat. Masuk lagi dengan kata sandi Anda."))
    return _forgetting(redirect("login"))


class LogoutView(views.LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _forgetting(super().post(request, *args, **kwargs))


def _forgetting(response: Any) -> Any:
    """Tells the browser to drop the leaders' pages that it keeps to ask whether they are unchanged: whoever uses this
    device next shall not leaf back to them."""
    response["Clear-Site-Data"] = '"cache"'
    return response


def home_of(route: str, nav: str) -> Callable[[SignedIn], HttpResponse]:
    """A view that leads to `route` of one's own unit; whoever serves nowhere is told whom to ask.

    `nav` is the entry of the menu that is current meanwhile.
    """

    @login_required
    @require_safe
    def home(request: SignedIn) -> HttpResponse:
        memberships = access.memberships(request.user)
        if not memberships:
            return render(request, "hierarchy/people/no_unit.html", {"nav_current": nav})
        return redirect(route, election=memberships[0].unit.election.code, code=memberships[0].unit.code)

    return home
