"""A phone asks for reminders and shows one: the subscription is the browser's own but for its carrier, which is not on
this machine."""

from __future__ import annotations

import json

import pytest

from reports.reminders.models import Device
from tests.days import Day
from tests.journeys.browser import PHONE
from tests.journeys.conftest import Visit
from tests.reports.reminders.test_push import Browser

pytestmark = pytest.mark.journey
SUBSCRIBED = """
PushManager.prototype.subscribe = async (options) => {
  if (!options.userVisibleOnly || !options.applicationServerKey) throw new Error("not as asked");
  return { toJSON: () => (%s) };
};
"""


def test_switched_on_and_shown(day: Day, visit: Visit) -> None:
    ptps = visit("ptps", PHONE)
    keys = Browser().keys()
    answer = json.dumps({"endpoint": "https://fcm.googleapis.com/fcm/send/abc", "keys": keys})
    ptps.page.add_init_script(SUBSCRIBED % answer)
    ptps.context.grant_permissions(["notifications"], origin=ptps.base)
    ptps.go("/pesan/")
    ptps.check_fingers()
    ptps.follow(ptps.button("Nyalakan di perangkat ini"))
    assert "Menyala di 1 perangkat" in ptps.text()
    assert Device.objects.get().user == day.cast.ptps

    line = ptps.context.new_cdp_session(ptps.page)
    found: list[str] = []
    line.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(r["registrationId"] for r in told["registrations"]),
    )
    line.send("ServiceWorker.enable")
    ptps.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    ptps.page.wait_for_timeout(500)
    told = {"title": "Satu jam lagi", "body": "Laporan pemungutan suara ditunggu.", "tag": "pesan-1", "url": "/pesan/"}
    line.send(
        "ServiceWorker.deliverPushMessage", {"origin": ptps.base, "registrationId": found[0], "data": json.dumps(told)}
    )
    shown = ptps.page.evaluate("""async () => {
        const worker = await navigator.serviceWorker.ready;
        for (let tries = 0; tries < 50; tries++) {
            const notes = await worker.getNotifications();
            if (notes.length) return notes.map(note => [note.title, note.body, note.data.url]);
            await new Promise(done => setTimeout(done, 100));
        }
        return [];
    }""")
    assert shown == [[told["title"], told["body"], told["url"]]]
    ptps.decide(ptps.button("Matikan"), "Matikan")
    assert not Device.objects.exists()
