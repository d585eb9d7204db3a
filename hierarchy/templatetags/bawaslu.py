"""`{% load bawaslu %}`: figures, times, codes and states in templates, and the few facts the components need.

Figures are printed by these filters and tags only, never bare: a bare `{{ n }}` follows Django's number
settings, which also put separators into ids, URLs and SVG lengths.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hierarchy.lib import clock, formats

register = template.Library()

register.filter("kode", lambda code: formats.unit_code(str(code)))
register.filter("state_word", lambda key: str(formats.state(key).word))
register.filter("state_icon", lambda key: formats.state(key).icon)
register.filter("state_tone", lambda key: formats.state(key).tone)
register.simple_tag(formats.percent, name="persen")
register.simple_tag(formats.n_of_total, name="n_dari_N")


@register.filter
def number(value: int | None) -> str:
    """`{{ 1208|number }}` -> 1.208; None -> "-"."""
    return formats.number(value)


@register.filter
def plain(value: object) -> str:
    """The bare text of a value, for attributes and ids: `data-id="{{ pk|plain }}"` must not become 12.595."""
    return str(value)


@register.filter
def wita(value: datetime | None) -> str:
    """`{{ at|wita }}` -> 14 Feb 2024 21.40 WITA; None -> "-"."""
    return formats.moment(value) if value else formats.NOTHING


@register.filter
def pukul(value: datetime | None) -> str:
    """`{{ at|pukul }}` -> 21.40 WITA; None -> "-"."""
    return formats.hour(value) if value else formats.NOTHING


@register.filter
def tanggal(value: date | None) -> str:
    """`{{ at|tanggal }}` -> 14 Feb 2024; None -> "-"."""
    return formats.day(value) if value else formats.NOTHING


@register.filter
def hari(value: date | None) -> str:
    """`{{ at|hari }}` -> Rabu, 14 Februari 2024; None -> "-"."""
    return formats.long_day(value) if value else formats.NOTHING


@register.filter
def time_left(due_at: datetime | None, now: datetime | None = None) -> str:
    """`{{ due_at|time_left }}` or `{{ due_at|time_left:now }}` -> sisa 1 jam 20 menit / lewat 35 menit; None -> ""."""
    return formats.time_left(due_at, now or clock.now()) if due_at else ""


@register.filter
def iso(value: datetime | date | None) -> str:
    """For `<time datetime>`: machine-readable, never localized."""
    return value.isoformat() if value else ""


@register.simple_tag
def share(n: int | None, total: int | None) -> str:
    """The length of a bar of 100, as text that no locale touches: `{% share n N as width %}` -> "95.4"."""
    part = min(formats.tenths(n or 0, total or 0), 1000)
    return f"{part // 10}.{part % 10}"


# --- forms ----------------------------------------------------------------------------------------------------------

# What a field looks like, by the template name of its widget; anything else is a plain input.
_KINDS = {
    "radio.html": "radio",
    "checkbox_select.html": "checkboxes",
    "checkbox.html": "checkbox",
    "textarea.html": "textarea",
    "select.html": "select",
    "file.html": "file",
    "clearable_file_input.html": "file",
    "number.html": "number",
    "multiple_hidden.html": "hidden",
    "hidden.html": "hidden",
}


@register.filter
def field_kind(field: BoundField) -> str:
    """radio, checkboxes, checkbox, textarea, select, file, number, hidden or input.

    A text input with inputmode=numeric counts as a number: a number input would drop what it cannot parse.
    """
    widget = field.field.widget
    kind = _KINDS.get((widget.template_name or "").rpartition("/")[2], "input")
    return "number" if kind == "input" and widget.attrs.get("inputmode") == "numeric" else kind


def _fact(field: BoundField, name: str) -> Any:
    """A fact a form hangs on the bound field or on the field itself; None where it has none."""
    return getattr(field, name, None) or getattr(field.field, name, None)


@register.filter
def field_hint(field: BoundField) -> str:
    """The hint under the label: the form's own `hint`, else Django's help_text."""
    return str(_fact(field, "hint") or field.help_text or "")


@register.filter
def field_ids(field: BoundField) -> dict[str, str]:
    """Ids of the hint, the error and the reason beside a control, as `aria-describedby` names them."""
    base = field.auto_id or field.html_name
    return {"hint": f"{base}_helptext", "error": f"{base}_error", "reason": f"{base}_reason"}


@register.filter
def described_by(field: BoundField) -> str:
    """The ids that describe a control, hint first: heard in the order in which they are seen."""
    ids = field_ids(field)
    return " ".join([ids["hint"]] * bool(field_hint(field)) + [ids["error"]] * bool(field.errors))


@register.simple_tag
def control(field: BoundField, **attrs: str | bool) -> SafeString:
    """The widget itself with its description wired: `{% control field class="input" %}`."""
    if described := described_by(field):
        attrs["aria-describedby"] = described
    return field.as_widget(attrs=attrs)


@register.simple_tag
def choice_input(field: BoundField, option: Any) -> SafeString:
    """One radio or checkbox of a group, without Django's own label around it: `option` is a subwidget of `field`."""
    data: Mapping[str, Any] = option.data
    value = data["value"]
    attrs = {
        "type": data["type"],
        "name": data["name"],
        "value": "" if value is None else str(value),
        **{key: val for key, val in data["attrs"].items() if key != "class"},
        "checked": bool(data["selected"]),
    }
    return format_html("<input{}>", flatatt(attrs))


@register.filter
def reason_message(field: BoundField) -> str:
    """Why a soft rule asks for a reason here; "" where no reason is asked for."""
    asked = _fact(field, "needs_reason")
    return str(asked) if asked and asked is not True else ""


@register.filter
def needs_reason(field: BoundField) -> bool:
    """Whether a soft rule asks for a reason beside this field."""
    return bool(_fact(field, "needs_reason"))


@register.filter
def reason_value(field: BoundField) -> str:
    """What was typed as the reason, so that it survives a refused form."""
    name, form = f"alasan-{field.html_name}", field.form
    return str(form.data.get(name, "") if form.is_bound else form.initial.get(name, ""))


# --- ways through and tables ------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def qs(context: template.Context, key: str, value: object) -> str:
    """The query string with one key replaced, the key being a variable: `{% qs "halaman" 2 %}`.

    Django's own `querystring` takes the key from the template's text only, and a page may hold two lists.
    """
    query = context["request"].GET.copy()
    query[key or "halaman"] = str(value)
    return "?" + query.urlencode()


@register.simple_block_tag
def breadcrumb(content: SafeString, here: object) -> str:
    """Where a page lies: `{% breadcrumb _("Pesan") %}<li><a href="...">Tugas</a></li>{% endbreadcrumb %}`.

    The content holds the pages above it, one <li> each; `here` is the page itself.
    """
    return render_to_string("components/breadcrumb.html", {"above": content, "here": here})


@register.inclusion_tag("components/th_sort.html", takes_context=True)
def th_urut(context: template.Context, label: str, key: str, number: bool = False) -> dict[str, Any]:
    """A heading that sorts by `?urut=key`, a second time by `?urut=-key`: `{% th_urut _("Satuan") "nama" %}`.

    Keeps the rest of the query string and goes back to page 1. Needs `request` in the context.
    """
    query = context["request"].GET.copy()
    now = query.get("urut", "")
    query["urut"] = f"-{key}" if now == key else key
    query.pop("halaman", None)
    order = {key: "ascending", f"-{key}": "descending"}.get(now, "")
    return {"label": label, "order": order, "number": number, "url": "?" + query.urlencode()}
