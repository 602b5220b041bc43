"""Study files: a whole study as one versionable YAML file."""
