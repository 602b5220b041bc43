"""The application's registration with Django."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    """Completions and the checkpoints that write them."""

    name = "generation"
