"""Routes of messages."""

from __future__ import annotations

from django.urls import path

from reports.reminders import views

urlpatterns = [
    path("pesan/", views.inbox, name="messages"),
    path("sw.js", views.service_worker, name="service-worker"),
    path("pesan/perangkat/", views.devices, name="devices"),
    path("pesan/dibaca/", views.read_all, name="messages-read"),
    path("pengaturan/pesan/", views.wordings, name="wordings"),
    path("pengaturan/pesan/catatan/", views.message_log, name="message-log"),
    path("pengaturan/pesan/<str:kind>/", views.edit_wording, name="edit-wording"),
]
