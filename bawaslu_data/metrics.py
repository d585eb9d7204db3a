"""/metrics: the table of dashboards/operations/readings.py in the words of Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboards.operations.queries import Measurement, measure
from hierarchy.lib import clock

PREFIX = "bawaslu_"


class Readings(Collector):
    """Every reading as a gauge, and two gauges about all of them: whether each could be read, and is beyond its limit.

    A reading without a value is left out: a made-up 0 would look like good news.
    """

    def collect(self) -> Iterator[Metric]:
        measured = measure(clock.now())
        up = GaugeMetricFamily(f"{PREFIX}reading_up", "1 when the reading could be read", labels=["reading"])
        beyond = GaugeMetricFamily(
            f"{PREFIX}reading_beyond_limit", "1 when somebody must act: see the operator page", labels=["reading"]
        )
        for one in measured:
            yield from _families(one)
            up.add_metric([one.reading.name], float(not one.failed))
            beyond.add_metric([one.reading.name], float(one.beyond))
        yield up
        yield beyond


def _families(one: Measurement) -> Iterator[Metric]:
    reading = one.reading
    if one.value is not None:
        yield GaugeMetricFamily(PREFIX + reading.name, str(reading.title), value=one.value)
    if reading.pieces and one.parts:
        family = GaugeMetricFamily(PREFIX + reading.pieces.name, str(reading.title), labels=[reading.pieces.label])
        for part in one.parts:
            family.add_metric([part.key], part.value)
        yield family


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a scraper inside, or anywhere with the bearer token METRICS_TOKEN; to anybody else it is not there."""
    if not _welcome(request):
        raise Http404
    # A registry of its own: the library's global one counts a single process, and the site runs several.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Readings())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = HttpResponse(encode(registry), content_type=content_type)
    response["Cache-Control"] = "private, no-store"
    return response


def _welcome(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        shown = request.headers.get("Authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    # The proxy of a deployment says for whom it asks; whoever asks the process itself is inside.
    return "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers
