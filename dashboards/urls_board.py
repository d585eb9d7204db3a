"""Routes of the compliance board."""

from __future__ import annotations

from django.urls import path

from dashboards import views_board

urlpatterns = [
    path("kepatuhan/", views_board.board_home, name="board-home"),
    path("kepatuhan/<slug:election>/<slug:code>/", views_board.board, name="board"),
]
