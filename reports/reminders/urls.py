"""Routes of messages."""

from __future__ import annotations

from django.urls import path

from reports.reminders import views as views_messages

urlpatterns = [
    path("pesan/", views_messages.inbox, name="messages"),
    path("sw.js", views_messages.service_worker, name="service-worker"),
    path("pesan/perangkat/", views_messages.devices, name="devices"),
    path("pesan/dibaca/", views_messages.read_all, name="messages-read"),
    path("pengaturan/pesan/", views_messages.wordings, name="wordings"),
    path("pengaturan/pesan/catatan/", views_messages.message_log, name="message-log"),
    path("pengaturan/pesan/<str:kind>/", views_messages.edit_wording, name="edit-wording"),
]
