"""Texts as they are set on pages: strings in, strings out."""
