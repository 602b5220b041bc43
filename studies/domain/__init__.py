"""What can be done to a study: verbs, keyword-only, one transaction each."""
