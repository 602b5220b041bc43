"""Labels and help of the study file's keys: by key, or by entry and key where one key means two things."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import pgettext

WORDS: dict[str, tuple[str, str]] = {
    # What one row of a list is called.
    "CriterionEntry": (_("Criterion"), ""),
    "WrittenCheckEntry": (_("Written check"), ""),
    "PracticeEntry": (_("Practice pair"), ""),
    "ComprehensionEntry": (_("Question"), ""),
    "SurveyEntry": (_("Question"), ""),
    "ArmEntry": (_("Arm"), ""),
    "PromptEntry": (_("Prompt"), ""),
    # Texts
    "title": (_("Title"), _("Annotators read it, so it names no arm.")),
    "description": (_("Description"), _("For researchers; annotators never see it.")),
    "instructions": (_("Instructions"), _("Markdown; shown before the first comparison.")),
    "consent": (_("Consent"), _("Markdown; shown first. Its hash is stored with each agreement.")),
    "minutes": (_("Expected minutes"), _("The consent page says it.")),
    "StudyEntry.text": (_("Responses shown as"), ""),
    "answer_marker": (
        _("Answer marker"),
        _("What stands before the answer of a chain of thought, such as “Answer:”."),
    ),
    # Arms
    "arms": (_("Arms"), _("One is the baseline; the others are compared with it.")),
    "ArmEntry.name": (_("Name"), _("For researchers: annotators see A and B only.")),
    "baseline": (_("This is the baseline"), ""),
    "control": (_("This is an A/A control"), _("It decodes as another arm does, on purpose.")),
    "checkpoint": (
        _("Checkpoint"),
        _(
            "smollm2-135m-instruct, path:FOLDER, hub:ORGANISATION/NAME, or given:LABEL for completions "
            "written elsewhere. Empty if a server answers."
        ),
    ),
    "endpoint": (
        _("Server (instead of a checkpoint)"),
        _("One that speaks OpenAI’s protocol; empty otherwise."),
    ),
    "requests_per_minute": (_("Requests per minute"), ""),
    "concurrency": (_("Requests at once"), ""),
    "timeout_seconds": (_("Seconds to wait for an answer"), ""),
    "length_field": (_("Field for the length"), ""),
    "base_url": (_("Address"), _("Such as http://localhost:8000/v1.")),
    "model": (_("Model"), _("As the server calls it.")),
    "key_env": (_("Variable with the key"), _("Of the worker’s environment; no key is stored here.")),
    "EndpointEntry.seed": (_("The server takes a seed"), ""),
    "extra": (_("Extra fields of a request"), _("YAML.")),
    "guidance_scale": (_("Guidance scale"), _("1 is standard sampling, above 1 guided.")),
    "negative": (_("Negative"), _("What guidance is measured against.")),
    "negative_text": (_("Negative prompt"), _("With “text” above.")),
    "temperature": (_("Temperature"), _("0 is greedy.")),
    "top_k": (_("Top k"), _("0: no limit.")),
    "top_p": (_("Top p"), ""),
    "min_p": (_("Min p"), ""),
    "max_new_tokens": (_("Longest, in tokens"), ""),
    "plausibility": (
        _("Plausibility"),
        _("Tokens below this share of the likeliest one’s probability are left out."),
    ),
    "stop": (_("Stop texts"), _('A YAML list, such as ["\\n\\n"].')),
    "guided_tokens": (_("Guided tokens"), _("0: all of them.")),
    "dtype": (_("Weights"), ""),
    "comparisons": (_("Which arms are compared"), ""),
    "draws": (_("Noise of the arms"), ""),
    "replicates": (_("Replicates"), _("Completions per prompt and arm.")),
    "StudyEntry.seed": (_("Seed"), _("Of the noise and of the slot plan; drawn when left empty.")),
    # Prompts
    "prompts": (_("Prompts"), ""),
    "id": (_("Name"), _("Once in the study.")),
    "family": (_("Family"), ""),
    "stratum": (_("Stratum"), _("A group that the report can look at.")),
    "source": (_("Source"), _("Where it comes from.")),
    "PromptEntry.answer": (_("Right answer"), _("Of a chain of thought; needs the study’s answer marker.")),
    "system": (_("System instruction"), ""),
    "user": (_("User message"), _("What both arms answer.")),
    "messages": (_("Conversation"), _("YAML list of role and content, instead of system and user.")),
    "PromptEntry.text": (_("Plain text"), _("To be continued, instead of a conversation.")),
    # Criteria
    "criteria": (_("Criteria"), _("One question each; exactly one is primary.")),
    "name": (_("Short name"), _("Lower-case letters, digits, hyphens.")),
    "question": (_("Question"), _("Annotators read it.")),
    "scale": (_("Scale"), ""),
    "primary": (_("This is the primary criterion"), ""),
    "ties": (_("Ties in the win rate"), ""),
    "reasons": (_("Reasons"), _("Of the primary answer.")),
    "ReasonsEntry.options": (_("Reasons to tick"), _("One a line; none: a few words, if they like.")),
    "ReasonsEntry.required": (_("Every answer needs a reason"), ""),
    "differences": (_("Annotators may have differing words marked"), ""),
    # Collection
    "overlap": (_("Judgments per comparison (k)"), _("Even, so that orders balance within each comparison.")),
    "quota": (_("Comparisons per annotator, at most"), ""),
    "lease_minutes": (_("Lease in minutes"), _("How long a comparison on screen is held for its annotator.")),
    "min_exposure_ms": (
        _("Least exposure in ms"),
        _("Keys are ignored for so long after a comparison appears."),
    ),
    "retention_days": (
        _("Days for which personal data are kept"),
        _("After closing; then recruiting ids and survey answers are erased. Empty: until you erase them."),
    ),
    # Practice
    "practice": (_("Practice pairs"), _("Nothing of them is analysed.")),
    "prompt": (_("Prompt"), ""),
    "a": (_("Response A"), ""),
    "b": (_("Response B"), ""),
    "PracticeEntry.better": (_("Better"), ""),
    "feedback": (_("Feedback"), _("Shown after the annotator has chosen.")),
    "comprehension": (
        _("Questions about the instructions"),
        _("Two attempts; then an annotator is screened out."),
    ),
    "options": (_("Options"), _("One a line.")),
    "ComprehensionEntry.answer": (_("Right answer"), _("As it stands among the options.")),
    # Checks
    "checks": (_("Attention checks"), _("Every annotator meets them, beside the quota.")),
    "shuffled": (_("Shuffled"), _("One response’s words in another order.")),
    "mismatched": (_("Mismatched"), _("One response was written for another prompt.")),
    "written": (_("Written checks"), ""),
    "WrittenCheckEntry.better": (_("Better response"), ""),
    "worse": (_("Worse response"), ""),
    "repeats": (_("Repeats"), _("Comparisons that each annotator meets again, sides swapped.")),
    "quality": (
        _("Quality rules"),
        _("An annotator is left out, visibly and revocably, from these thresholds on."),
    ),
    "failed_checks": (_("Failed checks, or more"), ""),
    "median_active_ms": (_("Median active time below, in ms"), ""),
    "same_answer_share": (_("Share of the same answer, or more"), _("0.5 to 1.")),
    "self_agreement": (_("Agreement with oneself below"), _("0 to 1; needs repeats.")),
    "others_agreement": (_("Agreement with others below"), _("0 to 1.")),
    # Survey
    "survey": (_("Survey questions"), _("After the comparisons; they enter no analysis.")),
    "kind": (_("Kind"), ""),
    "least": (_("Least"), _("Of a scale or a number.")),
    "most": (_("Most"), ""),
    "least_label": (_("Words at the low end"), ""),
    "most_label": (_("Words at the high end"), ""),
    "SurveyEntry.required": (_("An answer is needed"), ""),
    "recruiting": (_("Recruiting site"), _("Such as Prolific; empty if you send the link yourself.")),
    "done": (_("Code of those who are done"), ""),
    "screened_out": (_("Code of those screened out"), ""),
    "no_consent": (_("Code without consent"), ""),
    "return_link": (_("Link back"), _("With {code} in it.")),
    # Analysis
    "analysis": (_("Analysis plan"), _("Fixed when the study opens; the report says what differs from it.")),
    "alpha": (_("Alpha"), ""),
    "margin": (
        _("Margin"),
        _("Of non-inferiority and equivalence, in units of the win rate: 0.05 is 5 points."),
    ),
    "multiplicity": (_("Several tests"), ""),
    "subgroups": (_("Subgroups"), ""),
    "interim": (_("Looks before the end"), ""),
    "method": (_("Method"), ""),
    "looks": (_("Looks, at most"), _("The one at the end included; group sequential only.")),
    "spending": (_("Spending"), ""),
    "expected": (_("What the plan reckons with"), _("The planner fills it in; empty: no planned power.")),
    "win_rate": (_("Win rate"), _("Of the candidate, 0 to 1.")),
    "annotators": (_("Annotators"), ""),
    "tie_rate": (_("Tie rate"), ""),
    "rho_annotators": (_("Likeness within annotators"), _("Correlation of two judgments of one annotator.")),
    "rho_prompts": (_("Likeness within prompts"), _("Correlation of two judgments on one prompt.")),
}


def _choice(words: str) -> str:
    return words


CHOICES = {
    *(
        _choice("two way"),
        _choice("tie"),
        _choice("both bad"),
        _choice("five point"),
        _choice("seven point"),
        _choice("half"),
        _choice("drop"),
        _choice("none"),
        _choice("chat"),
        _choice("chain of thought"),
        _choice("long text"),
        _choice("plain"),
        _choice("independent"),
        _choice("coupled"),
        _choice("baseline"),
        _choice("all pairs"),
        _choice("balanced"),
        _choice("drawn"),
        _choice("text"),
        _choice("last token"),
        _choice("default system"),
        _choice("single"),
        _choice("multiple"),
        _choice("scale"),
        _choice("number"),
        _choice("system"),
        _choice("user"),
        _choice("assistant"),
        _choice("stratum"),
        _choice("group sequential"),
        _choice("anytime valid"),
        _choice("as the checkpoint says"),
    ),
}
"""Words of the study file that a form offers; names, such as Holm's or float32's, need no translation."""


def spoken(value: object) -> str:
    """Return a word of the study file as a form says it."""
    words = str(value).replace("_", " ") or "as the checkpoint says"
    return pgettext("choice", words) if words in CHOICES else words
