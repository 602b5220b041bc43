"""The addresses of the annotator's pages, below the site's `s/`."""

from django.urls import path

from studies.views import annotate, annotate_compare, annotate_steps

annotate_patterns = [
    path("<str:invite>/", annotate.start, name="annotate-start"),
    path("<str:invite>/consent/", annotate.consent, name="annotate-consent"),
    path("<str:invite>/declined/", annotate.declined, name="annotate-declined"),
    path("<str:invite>/instructions/", annotate.instructions, name="annotate-instructions"),
    path("<str:invite>/practice/", annotate_steps.practice, name="annotate-practice"),
    path("<str:invite>/comprehension/", annotate_steps.comprehension, name="annotate-comprehension"),
    path("<str:invite>/screened/", annotate_steps.screened, name="annotate-screened"),
    path("<str:invite>/compare/", annotate_compare.compare, name="annotate-compare"),
    path("<str:invite>/resume/", annotate_compare.resume, name="annotate-resume"),
    path("<str:invite>/undo/", annotate_compare.undo, name="annotate-undo"),
    path("<str:invite>/skip/", annotate_compare.give_back, name="annotate-skip"),
    path("<str:invite>/survey/", annotate_steps.survey, name="annotate-survey"),
    path("<str:invite>/thanks/", annotate.thanks, name="annotate-thanks"),
]
