"""What the commands share that work on the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


class DatabaseCommand(BaseCommand):
    """A command that tells in one line of a database that lacks its tables, or is away."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command."""
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            try:
                lacking = _unapplied()
            except DatabaseError as away:
                raise CommandError(f"The database cannot be used: {' '.join(str(away).split())}") from error
            if lacking:
                raise CommandError(
                    f"The database lacks {lacking} migrations: run `manage.py migrate`, or `make run`."
                ) from error
            raise


def _unapplied() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
