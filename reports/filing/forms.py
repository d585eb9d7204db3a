"""The filing form of an instrument, built from its schema, whole without JavaScript.

Nothing is validated here: the answers go to `codec.decode` as they were typed, and its sentences come back to the
fields. What was typed stays, whatever was wrong with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from reports.instruments.codec import Content, InvalidAnswers, decode
from reports.instruments.export import rules_of
from reports.instruments.schema import (
    CALCULATED,
    DATE,
    INTEGER,
    NOTE,
    PHOTO,
    SELECT_MULTIPLE,
    SELECT_ONE,
    TEXT,
    TIME,
    YESNO,
    Expression,
    Question,
    Schema,
)

REASON = "alasan-{}"
KEPT = "{}-tersimpan"  # hidden: the SHA-256 of a photo that was stored before, so a refused form does not lose it


class PhotoInput(forms.FileInput):
    """A camera or file input beside the hash of the photo that is stored already."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return (files or {}).get(name) or data.get(KEPT.format(name)) or None

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return name not in (files or {}) and KEPT.format(name) not in data

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        control = super().render(name, None, attrs, renderer)
        if not isinstance(value, str) or not value:
            return control
        kept = format_html('<input type="hidden" name="{}" value="{}">', KEPT.format(name), value)
        told = _("Foto sudah tersimpan. Pilih berkas lain hanya bila ingin menggantinya.")
        return format_html('{}{}<span class="soft">{}</span>', control, kept, told)


def _number_input(_question: Question) -> forms.Widget:
    # Not type=number: a browser sends nothing at all for what it cannot parse, and what was typed would be lost.
    return forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "maxlength": 20})


def _text_input(question: Question) -> forms.Widget:
    return forms.Textarea({"rows": 4, "cols": ""}) if question.multiline else forms.TextInput()


def _typed_input(kind: str) -> Callable[[Question], forms.Widget]:
    def make(_question: Question) -> forms.Widget:
        widget = forms.TextInput()
        widget.input_type = kind
        return widget

    return make


_WIDGETS: dict[str, Callable[[Question], forms.Widget]] = {
    INTEGER: _number_input,
    YESNO: lambda q: forms.RadioSelect(choices=_labelled(q)),
    SELECT_ONE: lambda q: forms.RadioSelect(choices=_labelled(q)),
    SELECT_MULTIPLE: lambda q: forms.CheckboxSelectMultiple(choices=_labelled(q)),
    TIME: _typed_input("time"),
    DATE: _typed_input("date"),
    TEXT: _text_input,
    PHOTO: lambda _q: PhotoInput({"accept": "image/*", "capture": "environment"}),
}


def _labelled(question: Question) -> list[tuple[str, str]]:
    return [(choice.name, choice.label.in_language(get_language())) for choice in question.choices]


class AnswerField(forms.Field):
    """One question. For templates: `kind`, `hint`, `pair` (name of the other half of an L/P pair, or ""),
    `needs_reason` (show the reason box), `question`.

    `required` only says what to print beside the label; the codec judges.
    """

    def __init__(self, schema: Schema, question: Question, relevance: str) -> None:
        language = get_language()
        hint = " ".join(filter(None, (question.hint.in_language(language), relevance)))
        super().__init__(
            required=question.required,
            label=question.label.in_language(language),
            help_text=hint,
            widget=_WIDGETS[question.kind](question),
        )
        self.question, self.kind, self.hint = question, question.kind, hint
        self.pair = schema.pair_of(question.name)
        self.needs_reason = False

    def clean(self, value: Any) -> Any:
        return value  # also skips Django's own required check

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or None) != (data or None)


class ReportForm(forms.Form):
    """`ReportForm(version_or_schema, data, files)`; `content` holds the Content once `is_valid()`.

    `initial` maps names to canonical answers, `reasons` names to reasons given before. `keep` stores an uploaded photo
    and returns the hex SHA-256 of what was stored; it may raise forms.ValidationError. Without it the upload's own
    bytes are hashed.
    """

    use_required_attribute = False
    content: Content | None = None

    def __init__(
        self,
        version_or_schema: Any,
        data: Any = None,
        files: Any = None,
        *,
        initial: Mapping[str, Any] | None = None,
        reasons: Mapping[str, str] | None = None,
        keep: Callable[[UploadedFile], str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}), **kwargs)
        self.schema: Schema = version_or_schema if isinstance(version_or_schema, Schema) else version_or_schema.parsed
        self.reasons, self.keep = dict(reasons or {}), keep or _hash
        for question in self.schema.questions:
            if question.kind not in {CALCULATED, NOTE}:
                field = AnswerField(self.schema, question, self._relevance(question))
                field.needs_reason = bool(self._reason(question.name))
                self.fields[question.name] = field

    def groups(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """(title, fields) of each screen, in order; screens without any field are left out."""
        for group in self.schema.groups:
            names = [question.name for question in self.schema.in_group(group.name)]
            if fields := [self[name] for name in names if name in self.fields]:
                yield group.title.in_language(get_language()), fields

    @property
    def rules_json(self) -> str:
        """The rules for a client that is to come (instruments/export.py), safe to put in a
        `<script type="application/json">`. No page prints them yet."""
        text = json.dumps(rules_of(self.schema), ensure_ascii=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def clean(self) -> dict[str, Any]:
        answers = {name: self._answer(name, value) for name, value in list(self.cleaned_data.items())}
        reasons = {name: reason for name in self.fields if (reason := self._reason(name))}
        if self.errors:
            return self.cleaned_data  # a photo could not be stored
        try:
            self.content = decode(self.schema, answers=answers, reasons=reasons)
        except InvalidAnswers as error:
            self._tell(error)
        return self.cleaned_data

    def _answer(self, name: str, value: Any) -> Any:
        if not isinstance(value, UploadedFile):
            return value
        try:
            digest = self.keep(value)
        except forms.ValidationError as error:
            self.add_error(name, error)
            return None
        # Printed again with the form, should something else be wrong.
        data: Any = self.data
        self.data = data = data.copy()
        data[KEPT.format(name)] = digest
        self.files = files = self.files.copy()
        del files[name]
        return digest

    def _reason(self, name: str) -> str:
        return str(self.data.get(REASON.format(name), "")) if self.is_bound else self.reasons.get(name, "")

    def _tell(self, error: InvalidAnswers) -> None:
        for name, messages in error.errors.items():
            self.add_error(name if name in self.fields else None, messages)
        for name, message in error.needs_reason.items():
            field = self.fields[name]
            assert isinstance(field, AnswerField)
            field.needs_reason = True
            self.add_error(name, message)

    def _relevance(self, question: Question) -> str:
        group = next(group for group in self.schema.groups if group.name == question.group)
        first = next(q.name for q in self.schema.in_group(group.name) if q.kind not in {CALCULATED, NOTE})
        if question.relevant:
            return self._told(question.relevant)
        return self._told(group.relevant) if group.relevant and question.name == first else ""

    def _told(self, relevant: Expression) -> str:
        """A condition in words, for a form where every question is shown."""
        tree = relevant.tree
        if tree[0] != "=" or tree[1][0] != "ref" or tree[2][0] != "str":
            return _("Diisi hanya bila berlaku; bila tidak, kosongkan.")
        asked = self.schema.by_name[tree[1][1]]
        answer = next((label for name, label in _labelled(asked) if name == tree[2][1]), tree[2][1])
        return _("Diisi hanya bila “%(question)s” dijawab %(answer)s.") % {
            "question": asked.label.in_language(get_language()),
            "answer": answer,
        }


def _hash(upload: UploadedFile) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()
