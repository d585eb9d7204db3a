"""Routes of coming in, going out and standing in for somebody."""

from __future__ import annotations

from django.urls import path

from hierarchy.people import views, views_acting

urlpatterns = [
    path("masuk/", views.LoginView.as_view(), name="login"),
    path("keluar/", views.LogoutView.as_view(), name="logout"),
    path("keluar/semua/", views.sign_out_everywhere, name="logout-everywhere"),
    path("aktivasi/", views.activate, name="activate"),
    path("pengganti/", views_acting.acting, name="acting"),
    path("pengganti/<int:pk>/akhiri/", views_acting.stop, name="stop-acting"),
]
