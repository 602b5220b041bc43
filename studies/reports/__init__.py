"""Reports: one computation, many faces."""
