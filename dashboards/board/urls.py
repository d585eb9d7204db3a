"""Routes of the compliance board."""

from __future__ import annotations

from django.urls import path

from dashboards.board import views
from hierarchy.people.views import home_of

urlpatterns = [
    path("kepatuhan/", home_of("board", "board"), name="board-home"),
    path("kepatuhan/<slug:election>/<slug:code>/", views.board, name="board"),
]
