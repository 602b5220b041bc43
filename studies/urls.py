"""The pages of the experiment."""

from django.urls import URLPattern

app_name = "studies"
urlpatterns: list[URLPattern] = []
