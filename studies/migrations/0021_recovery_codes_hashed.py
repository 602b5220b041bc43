import base64

from django.db import migrations
from django.utils.crypto import salted_hmac

_PLAIN = 10


def hash_codes(apps, schema_editor):
    """Replace codes that were kept as they are by what `studies.domain.accounts.recovery_hash` says."""
    tokens = apps.get_model("otp_static", "StaticToken").objects.select_related("device")
    for token in tokens:
        if len(token.token) == _PLAIN:
            said = f"{token.device.user_id}:{token.token}"
            digest = salted_hmac("studies.recovery", said, algorithm="sha256").digest()
            token.token = base64.urlsafe_b64encode(digest[:12]).decode()
            token.save(update_fields=["token"])


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0020_notices"),
        ("otp_static", "0003_add_timestamps"),
    ]

    operations = [migrations.RunPython(hash_codes, migrations.RunPython.noop)]
