"""The REST API under `/api/v1/`: a thin face over domain, queries, files and reports. See docs/api.md."""
