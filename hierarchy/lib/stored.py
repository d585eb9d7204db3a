"""How a file in storage reaches whoever may have it."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header


def answer(file: FieldFile, *, filename: str, content_type: str, as_attachment: bool) -> HttpResponseBase:
    """The file's bytes, or under PROXY_SENDS_FILES its name for the proxy, which reads it from the same volume.

    A slow reader holds the proxy then, not a thread of this process. Raises FileNotFoundError.
    """
    if not settings.PROXY_SENDS_FILES:
        return FileResponse(file.open("rb"), as_attachment=as_attachment, filename=filename, content_type=content_type)
    if not file.storage.exists(file.name or ""):
        raise FileNotFoundError(file.name)
    response = HttpResponse(content_type=content_type)
    if disposition := content_disposition_header(as_attachment, filename):
        response["Content-Disposition"] = disposition
    response["X-Accel-Redirect"] = quote(f"/{file.name}")
    return response
