"""Completions: what to generate, the engine that does it, and the record of how it was done."""
