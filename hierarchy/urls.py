"""Routes of coming in and going out."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from hierarchy import views

urlpatterns = [
    path("masuk/", views.LoginView.as_view(), name="login"),
    path("keluar/", LogoutView.as_view(), name="logout"),
    path("aktivasi/", views.activate, name="activate"),
]
