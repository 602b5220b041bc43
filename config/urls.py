"""The URL table."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from studies.views import login

handler403 = "studies.views.access.forbidden"
handler404 = "studies.views.failures.not_found"
handler500 = "studies.views.failures.server_error"
urlpatterns = [
    # One way in, with its second step and its limits: the admin has none of its own.
    path("admin/login/", login.admin_login),
    path("admin/password_change/", login.admin_login),
    path("admin/", admin.site.urls),
    path("login/", login.LogIn.as_view(), name="login"),
    path("login/code/", login.second_step, name="login-code"),
    path("logout/", login.LogoutView.as_view(), name="logout"),
    path("reset/", login.ask_for_reset, name="password_reset"),
    path("reset/<uidb64>/<token>/", login.NewPassword.as_view(), name="password_reset_confirm"),
    path("language/", set_language, name="set_language"),
    path("", include("studies.urls")),
]
