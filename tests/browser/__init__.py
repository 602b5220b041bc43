"""Tests with a real browser. A package, so that its modules can share a site."""
