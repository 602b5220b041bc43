"""The studies that a first start loads: the example, and the same study finished by simulation."""

from studies.presets.load import DEMO, EXAMPLE, demo_study, example_study

__all__ = ["DEMO", "EXAMPLE", "demo_study", "example_study"]
