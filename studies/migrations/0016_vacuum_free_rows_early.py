"""Every claim makes an entry of the index over free rows a dead one, at the very end that claims read.

By default PostgreSQL clears them away when a fifth of the table is dead, so in a large study each claim
would read past tens of thousands of them.
"""

from django.db import migrations


def early(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE studies_assignment SET "
            "(autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
        )


def as_usual(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE studies_assignment RESET "
            "(autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"
        )


class Migration(migrations.Migration):
    dependencies = [("studies", "0015_invitations_and_audit_head")]

    operations = [migrations.RunPython(early, as_usual)]
