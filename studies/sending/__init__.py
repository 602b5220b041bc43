"""Sending what the outbox holds: signed webhooks and e-mail."""
