"""The filing form: every kind of question without JavaScript, one validator, nothing typed is lost."""

from __future__ import annotations

import json
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils import translation

from reports.filing.forms import ReportForm
from reports.instruments.codec import decode
from reports.instruments.rules import compile_tree
from tests.reports.instruments.forge import EVERYTHING, ask, catalogued, every_code, form
from tests.reports.instruments.test_field_rules import VOTING, full


def post(answers: dict[str, Any], **reasons: str) -> QueryDict:
    """What a browser sends: only strings, and nothing for an unticked box."""
    data = QueryDict(mutable=True)
    for name, value in answers.items():
        data.setlist(name, [str(each) for each in (value if isinstance(value, list) else [value])])
    for name, reason in reasons.items():
        data[f"alasan-{name}"] = reason
    return data


class _Controls(HTMLParser):
    """Names of all form controls in a piece of HTML, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"input", "textarea", "select"}:
            self.found.append({"tag": tag, **dict(attrs)})


def controls(form: ReportForm, name: str) -> list[dict[str, str | None]]:
    return _Controls(str(form[name])).found


@pytest.mark.parametrize("code", every_code())
def test_every_question_is_on_exactly_one_screen(code: str) -> None:
    form = ReportForm(catalogued(code))
    shown = [field.name for _title, fields in form.groups() for field in fields]
    assert shown == list(form.fields)
    assert {field["name"] for name in shown for field in controls(form, name)} == set(shown)


def test_controls_suit_a_phone() -> None:
    form = ReportForm(EVERYTHING)
    assert controls(form, "jumlah")[0]["inputmode"] == "numeric"
    assert [each["type"] for each in controls(form, "setuju")] == ["radio", "radio"]
    assert [each["type"] for each in controls(form, "warna_banyak")] == ["checkbox", "checkbox"]
    assert controls(form, "jam")[0]["type"] == "time"
    assert controls(form, "tanggal")[0]["type"] == "date"
    assert (controls(form, "foto")[0]["accept"], controls(form, "foto")[0]["type"]) == ("image/*", "file")


def test_a_whole_report_goes_through_as_a_browser_sends_it() -> None:
    answers = full("pemungutan-tps", VOTING)
    form = ReportForm(catalogued("pemungutan-tps"), post(answers))
    assert form.is_valid(), form.errors
    assert form.content == decode(catalogued("pemungutan-tps"), answers=answers)


def test_what_was_typed_stays() -> None:
    form = ReportForm(EVERYTHING, post({"jumlah": "١٢", "jam": "25.99", "cerita": "hujan", "setuju": "ya"}))
    assert not form.is_valid()
    assert form.content is None
    assert controls(form, "jumlah")[0]["value"] == "١٢"
    assert "0 sampai 9" in form.errors["jumlah"][0]
    assert set(form.errors) == {"jumlah", "jam"}
    assert "checked" in next(each for each in controls(form, "setuju") if each["value"] == "ya")


def test_a_soft_rule_opens_the_reason_box() -> None:
    form = ReportForm(EVERYTHING, post({"jumlah": 1, "lain": 2}))
    assert not form.is_valid()
    assert form["lain"].field.needs_reason
    assert not form["jumlah"].field.needs_reason
    assert form.errors["lain"] == ["Lain 2."]
    again = ReportForm(EVERYTHING, post({"jumlah": 1, "lain": 2}, lain="Memang begitu."))
    assert again.is_valid()
    assert again.content.reasons == {"lain": "Memang begitu."}


def test_a_reason_stays_open_while_something_else_is_wrong() -> None:
    form = ReportForm(EVERYTHING, post({"jumlah": 1, "lain": 2, "jam": "x"}, lain="Memang begitu."))
    assert not form.is_valid()
    assert form["lain"].field.needs_reason


def test_a_photo_is_kept_once_and_survives_a_refusal() -> None:
    image = b"\xff\xd8\xff gambar"
    kept: list[bytes] = []

    def keep(upload: Any) -> str:
        kept.append(upload.read())
        return sha256(image).hexdigest()

    first = ReportForm(EVERYTHING, post({"jumlah": "x"}), {"foto": SimpleUploadedFile("a.jpg", image)}, keep=keep)
    assert not first.is_valid()
    hidden = next(each for each in controls(first, "foto") if each["type"] == "hidden")
    assert (hidden["name"], hidden["value"]) == ("foto-tersimpan", sha256(image).hexdigest())
    second = ReportForm(EVERYTHING, post({"jumlah": 1, "foto-tersimpan": hidden["value"]}), {}, keep=keep)
    assert second.is_valid()
    assert second.content.answers["foto"] == sha256(image).hexdigest()
    assert kept == [image]


def test_a_photo_that_cannot_be_kept_is_told_at_its_field() -> None:
    def keep(_upload: Any) -> str:
        raise forms.ValidationError("Foto tidak terbaca.")

    form = ReportForm(EVERYTHING, post({}), {"foto": SimpleUploadedFile("a.jpg", b"x")}, keep=keep)
    assert not form.is_valid()
    assert form.errors["foto"] == ["Foto tidak terbaca."]


def test_a_forged_photo_hash_is_refused() -> None:
    form = ReportForm(EVERYTHING, post({"foto-tersimpan": "../../etc/passwd"}))
    assert not form.is_valid()
    assert list(form.errors) == ["foto"]


def test_pairs_know_each_other() -> None:
    form = ReportForm(catalogued("pemungutan-tps"))
    assert form["dpt_hadir_l"].field.pair == "dpt_hadir_p"
    assert form["dpt_hadir_p"].field.pair == "dpt_hadir_l"
    assert form["surat_diterima"].field.pair == ""


def test_a_condition_is_said_in_words_and_does_no_harm() -> None:
    form = ReportForm(catalogued("masa-tenang-desa"))
    hint = form["jumlah_tidak_terdistribusi"].field.hint
    assert "Diisi hanya bila “C.Pemberitahuan tidak didistribusikan kepada pemilih” dijawab Ya." in hint
    answers = {name: "tidak" for name in ("kampanye_di_luar_jadwal", "pemberian_uang_barang", "ada_kejadian")}
    answers |= {"apk_terpasang": "0", "pemberitahuan_tidak_dibagikan": "tidak", "jumlah_tidak_terdistribusi": "7"}
    sent = ReportForm(catalogued("masa-tenang-desa"), post(answers))
    assert sent.is_valid(), sent.errors
    assert "jumlah_tidak_terdistribusi" not in sent.content.answers


def test_a_returned_report_comes_back_filled_in() -> None:
    form = ReportForm(EVERYTHING, initial={"jumlah": 3, "foto": "ab" * 32}, reasons={"lain": "Karena."})
    assert controls(form, "jumlah")[0]["value"] == "3"
    assert any(each["value"] == "ab" * 32 for each in controls(form, "foto") if each["type"] == "hidden")
    assert form["lain"].field.needs_reason


def test_labels_follow_the_language() -> None:
    with translation.override("en"):
        assert ReportForm(catalogued("tps-rawan"))["rawan_bencana"].label == "Disaster-prone"
    assert ReportForm(catalogued("tps-rawan"))["rawan_bencana"].label == "TPS di wilayah rawan bencana"


def test_the_rules_for_the_browser_are_whole_and_safe_in_a_page() -> None:
    hostile = form(
        ask("integer", "a", constraint=". < 5", constraint_message="</script><b>&"),
        ask("calculate", "x", calculation="${a} + 1"),
    )
    text = ReportForm(hostile).rules_json
    assert "<" not in text
    rules = json.loads(text)
    assert rules["order"].index("a") < rules["order"].index("x")
    assert rules["questions"]["a"]["message"]["id"] == ["</script><b>&"]
    assert compile_tree(rules["questions"]["x"]["calculation"])({"a": 1}) == 2
    assert rules["questions"]["a"]["severity"] == "hard"
