"""The paper's human study, revisited: a synthetic replica of its design, and the page made from it."""
