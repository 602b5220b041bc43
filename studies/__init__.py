"""The experiment: studies, blinded comparisons, judgments and what they say."""
