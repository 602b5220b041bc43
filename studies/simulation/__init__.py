"""Simulated annotators that drive the real site over HTTP. All they make is marked simulated."""
