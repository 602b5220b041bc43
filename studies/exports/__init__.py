"""Everything of a study out of an installation, and whole studies in again."""
