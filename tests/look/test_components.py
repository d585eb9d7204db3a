"""The components, rendered with the variables their README names; a variable that is missing shows up in the page."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.template import Context, RequestContext, Template, engines
from django.template.backends.django import DjangoTemplates
from django.test import RequestFactory

MISSING = "\N{WHITE SQUARE}%s"
AT = datetime(2024, 2, 14, 13, 40, tzinfo=UTC)


class AForm(forms.Form):
    seal = forms.ChoiceField(label="Segel", choices=[("ya", "Ya"), ("tidak", "Tidak")], widget=forms.RadioSelect)
    men = forms.CharField(label="Laki-laki", widget=forms.TextInput({"inputmode": "numeric"}), help_text="Hitung.")
    women = forms.CharField(label="Perempuan", widget=forms.TextInput({"inputmode": "numeric"}))
    who = forms.MultipleChoiceField(label="Siapa", choices=[("a", "A")], widget=forms.CheckboxSelectMultiple)
    photo = forms.FileField(label="Foto")
    area = forms.ChoiceField(label="Kecamatan", choices=[("", "-"), ("1", "Sambutan")], required=False)
    story = forms.CharField(label="Kejadian", widget=forms.Textarea, required=False)
    agree = forms.BooleanField(label="Setuju")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


@pytest.fixture
def render(rf: RequestFactory) -> Any:
    """Renders a piece of template with `request` on `?stage=x&halaman=2`; missing variables print a white square."""
    setting = copy.deepcopy(settings.TEMPLATES[0])
    setting["OPTIONS"]["string_if_invalid"] = MISSING
    setting.pop("BACKEND")
    setting.setdefault("APP_DIRS", False)  # template_partials has replaced it by loaders
    engine = DjangoTemplates({"NAME": "strict", **setting}).engine
    request = rf.get("/?stage=x&halaman=2")
    request.user = AnonymousUser()

    def rendered(source: str, **context: Any) -> str:
        template = Template("{% load bawaslu %}" + source, engine=engine)
        return template.render(RequestContext(request, context))

    return rendered


def figure(**facts: Any) -> SimpleNamespace:
    whole = {"label": "Pengguna", "value": 1208, "reports": 10912, "filed": 10912, "expected": 11441, "noun": "TPS"}
    whole |= {"as_of": AT, "status": "sementara", "version": None, "unchanged": False}
    return SimpleNamespace(**whole | facts)


def words(page: str) -> str:
    return " ".join(Template("{{ page|striptags }}").render(_context(page=page)).replace("&nbsp;", " ").split())


def _context(**values: Any) -> Any:
    return Context(values)


def whole(include: str) -> str:
    return '{% include "components/' + include + " %}"


FIELDS = "{% for field in form %}" + whole('field.html"') + "{% endfor %}"


def test_a_figure_says_how_complete_it_is_and_of_when(render: Any) -> None:
    page = render(whole('figure.html"'), figure=figure())
    assert words(page) == (
        "Pengguna 1.208 dari 10.912 laporan · 10.912 dari 11.441 TPS (95,4 %) "
        "keadaan 14 Feb 2024 21.40 WITA · sementara"
    )
    assert '<rect width="95.4"' in page


def test_a_figure_without_a_value_is_not_zero(render: Any) -> None:
    page = words(render(whole('figure.html"'), figure=figure(value=None, reports=0, filed=0)))
    assert "belum ada angka" in page
    assert "0 dari 11.441 TPS (0 %)" in page


def test_a_ratified_and_unchanged_figure_says_so(render: Any) -> None:
    page = render(whole('figure.html"'), figure=figure(filed=11441, status="disahkan", version=17, unchanged=True))
    assert "disahkan pleno 14 Feb 2024 · versi 17 tidak berubah sejak rilis terakhir" in words(page)
    assert "<rect" not in page


def test_every_field_has_a_label_and_is_described_by_what_stands_beside_it(render: Any) -> None:
    form = AForm({"men": "1.24"})
    form.fields["women"].needs_reason = True
    page = render(FIELDS, form=form)
    assert page.count("<label") >= len(form.fields) - 1
    assert 'aria-describedby="id_men_helptext"' in page
    for name in ("seal", "women", "photo", "agree"):
        assert f'id="id_{name}_error"' in page
        assert page.count(f'aria-describedby="id_{name}_error"') == 1
    assert 'name="alasan-women"' in page
    assert 'value="1.24"' in page
    assert MISSING[0] not in page


def test_the_summary_of_errors_links_to_controls_that_exist(render: Any) -> None:
    page = render(whole('errors.html"') + FIELDS, form=AForm({}))
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == 6
    assert all(f'id="{target}"' in page for target in targets)


def test_a_large_number_never_gets_separators_inside_markup(render: Any) -> None:
    page_obj = Paginator(range(30000), 10).page(1500)
    page = render("{{ pk|plain }}" + whole('pagination.html"'), pk=12595, page_obj=page_obj)
    assert page.startswith("12595")
    assert "halaman=1501" in page
    assert "Halaman 1.500 dari 3.000" in page
    assert "stage=x" in page


def test_a_breadcrumb_ends_with_the_page_itself(render: Any) -> None:
    page = render(
        '{% breadcrumb here %}<li><a href="/">{{ above }}</a></li>{% endbreadcrumb %}', above="K&K", here="<P>"
    )
    assert words(page) == "K&amp;K&lt;P&gt;"
    assert page.index('href="/"') < page.index('<li><span aria-current="page">')


def test_a_heading_sorts_one_way_then_the_other(render: Any) -> None:
    page = render('{% th_urut "Masuk" "masuk" number=True %}')
    assert 'href="?stage=x&amp;urut=masuk"' in page
    assert "aria-sort" not in page


JOB = {"percent": 42, "words": "Menulis", "done": False, "error": "", "url": "/j/", "page_url": "/p/", "file_url": ""}
RECEIPT = {"code": "K7QP", "qr": "", "title": "Pemungutan", "unit": "TPS 1", "at": AT, "hash": "3f9a"}


@pytest.mark.parametrize(
    ("include", "context", "said"),
    [
        ('state.html"', {"state": "OWED", "note": "sisa 1 jam"}, "Belum lapor · sisa 1 jam"),
        ('state.html"', {"state": "UNREACHABLE", "note": ""}, "Tanpa sinyal"),
        (
            'counts.html"',
            {"owed": 4, "filed": 3, "on_time": 2, "approved": 1, "noun": ""},
            "3 dari 4 wajib lapor (75,0 %)",
        ),
        ('progress.html"', {"job": JOB}, "Menulis 42 %"),
        ('progress.html"', {"job": JOB | {"done": True, "file_url": "/f"}}, "Unduh berkas"),
        ('progress.html"', {"job": JOB | {"error": "Gagal. Coba lagi."}}, "Gagal. Coba lagi."),
        ('receipt.html"', {"receipt": RECEIPT}, "14 Feb 2024 21.40 WITA"),
        ('timeline.html"', {"events": [{"icon": "tick", "what": "Diterima", "at": AT, "who": "B", "note": ""}]}, "· B"),
        ('empty.html"', {"title": "Kosong", "text": "", "url": "", "action": ""}, "Kosong"),
        ('notice.html"', {"tone": "done", "text": "Tersimpan"}, "Tersimpan"),
        ('contact.html"', {"phone": "+62811", "whatsapp": "62811", "name": "Budi"}, "Telepon"),
    ],
)
def test_a_component_needs_only_what_its_readme_names(
    render: Any, include: str, context: dict[str, Any], said: str
) -> None:
    page = render(whole(include), **context)
    assert MISSING[0] not in page
    assert said.replace(" ", "") in words(page).replace(" ", "")


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "500.html"])
def test_error_pages_render_without_request_and_context(name: str) -> None:
    page = engines["django"].get_template(name).render()
    assert 'id="isi"' in page
    assert "csrf" not in page.lower()


def test_a_public_page_holds_nothing_personal(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = SimpleNamespace(is_authenticated=True, get_full_name="Siti Rahmawati", get_username="siti")
    page = engines["django"].get_template("base.html").render({"public_page": True}, request)
    assert "Siti" not in page
    assert "csrf" not in page.lower()
    assert "CSRF_COOKIE" not in request.META


def test_time_left_takes_the_moment_it_is_given(render: Any) -> None:
    assert render("{{ due|time_left:now }}", due=AT, now=AT + timedelta(minutes=35)) == "lewat 35 menit"
