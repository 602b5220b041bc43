from django.db import migrations


def own_what_they_made(apps, _schema_editor):
    """Make whoever created a study its owner; a study that nobody created stays with the administrators."""
    Study = apps.get_model("studies", "Study")
    Membership = apps.get_model("studies", "Membership")
    Membership.objects.bulk_create(
        Membership(study_id=study, user_id=user, role="owner")
        for study, user in Study.objects.exclude(created_by=None).values_list("pk", "created_by")
    )


class Migration(migrations.Migration):
    dependencies = [("studies", "0012_members")]
    operations = [migrations.RunPython(own_what_they_made, migrations.RunPython.noop)]
