"""The pages of the experiment."""

from django.urls import URLPattern, URLResolver, include, path

from studies.api.urls import api_patterns
from studies.views.annotate_urls import annotate_patterns
from studies.views.dashboard_urls import dashboard_patterns

app_name = "studies"
urlpatterns: list[URLPattern | URLResolver] = [
    path("s/", include(annotate_patterns)),
    path("api/v1/", include((api_patterns, "api"))),
    *dashboard_patterns,
]
