"""Rows for tests, without surprises: what a test does not name is plain and the same each time."""

import uuid

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone

from generation.models import Checkpoint, Completion
from generation.spec import CompletionRequest, DecodingSpec, Negative, NoiseKey
from studies.domain import lifecycle, reporting
from studies.domain.audit import canonical, sha256
from studies.domain.versions import versions
from studies.enums import Scale, StudyStatus
from studies.models import Annotator, Arm, Criterion, Judgment, Prompt, Report, Study


class ResearcherFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"researcher-{n}")
    password = factory.django.Password("correct horse battery")


class CheckpointFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Checkpoint
        django_get_or_create = ("name",)

    name = "tiny"
    source = "path:/nowhere"


class StudyFactory(factory.django.DjangoModelFactory):
    """A draft without criteria, arms or prompts."""

    class Meta:
        model = Study

    slug = factory.Sequence(lambda n: f"study-{n}")
    title = "Which response is better?"
    instructions = "Read both responses, then choose."
    consent = "You may stop at any time."
    seed = 7
    overlap = 2
    quota = 20
    min_exposure_ms = 0


class CriterionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Criterion

    study = factory.SubFactory(StudyFactory)
    position = factory.Sequence(int)
    name = factory.Sequence(lambda n: f"criterion-{n}")
    question = "Which response is better?"
    scale = Scale.TIE


class ArmFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Arm

    study = factory.SubFactory(StudyFactory)
    position = factory.Sequence(int)
    name = factory.Sequence(lambda n: f"arm-{n}")
    checkpoint = factory.SubFactory(CheckpointFactory)
    spec = factory.LazyAttribute(lambda arm: DecodingSpec(checkpoint=arm.checkpoint.name).as_dict())
    spec_hash = factory.LazyAttribute(lambda arm: sha256(canonical(arm.spec)))


class PromptFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Prompt

    study = factory.SubFactory(StudyFactory)
    position = factory.Sequence(int)
    name = factory.Sequence(lambda n: f"prompt-{n}")
    messages = factory.LazyAttribute(
        lambda prompt: [
            {"role": "system", "content": "Answer as a pirate."},
            {"role": "user", "content": f"Tell me about {prompt.name}."},
        ]
    )
    text = ""
    content_hash = factory.LazyAttribute(lambda prompt: sha256(canonical([prompt.messages, prompt.text])))


class AnnotatorFactory(factory.django.DjangoModelFactory):
    """Somebody who has agreed and read the instructions."""

    class Meta:
        model = Annotator

    study = factory.SubFactory(StudyFactory)
    pseudonym = factory.Sequence(lambda n: f"annotator-{n:04}")
    code = "CODE-1"
    consented_at = factory.LazyFunction(timezone.now)
    consent_hash = factory.LazyAttribute(lambda annotator: sha256(annotator.study.consent))
    instructed_at = factory.LazyFunction(timezone.now)


def draft_study(
    *,
    prompts: int = 6,
    criteria: tuple[tuple[str, str], ...] = (("overall", Scale.TIE),),
    arms: tuple[str, ...] = ("standard", "guided"),
    strata: tuple[str, ...] = ("",),
    **fields: object,
) -> Study:
    """Return a draft with everything a plan needs: baseline and primary criterion come first."""
    study = StudyFactory(**fields)
    for position, (name, scale) in enumerate(criteria):
        CriterionFactory(
            study=study,
            position=position,
            name=name,
            question=f"Which response is better: {name}?",
            scale=scale,
            primary=position == 0,
        )
    checkpoint = CheckpointFactory()
    for position, name in enumerate(arms):
        spec = DecodingSpec(
            checkpoint=checkpoint.name,
            guidance_scale=1 + position / 2,
            negative=Negative.DEFAULT_SYSTEM if position else Negative.NONE,
        )
        ArmFactory(
            study=study,
            position=position,
            name=name,
            baseline=position == 0,
            checkpoint=checkpoint,
            spec=spec.as_dict(),
        )
    for position in range(prompts):
        PromptFactory(
            study=study,
            position=position,
            name=f"prompt-{position}",
            stratum=strata[position % len(strata)],
        )
    return study


def complete(study: Study) -> None:
    """Write every completion that the study asks for, each with its own text."""
    now = timezone.now()
    Completion.objects.bulk_create(
        Completion(
            batch_key=study.key,
            prompt_key=prompt.key,
            arm_key=arm.key,
            replicate=replicate,
            checkpoint=arm.checkpoint,
            request=CompletionRequest(
                key=0,
                spec=arm.decoding,
                noise=NoiseKey(study.seed, prompt.name, arm.name, replicate),
                messages=prompt.turns,
            ).as_dict(),
            status=Completion.Status.DONE,
            # Digits alone: letters of a hexadecimal number may read as words of some language.
            text=f"Text {uuid.uuid5(prompt.key, f'{arm.key}{replicate}').int} about the sea.",
            token_count=12,
            prompt_tokens=30,
            finish_reason="stop",
            finished_at=now,
        )
        for arm in study.arms.all()
        for prompt in study.prompts.all()
        for replicate in range(study.replicates)
    )


def ready_study(**fields: object) -> Study:
    """Return a study whose completions are all there."""
    study = draft_study(**fields)
    complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()
    return lifecycle.settle(study)


def open_study(*, comparisons: int = 6, **fields: object) -> Study:
    """Return an open study with its slot plan."""
    return lifecycle.open_study(study=ready_study(prompts=comparisons, **fields), actor="tests")


def judge(
    study: Study, *, annotator: Annotator, choice: str = "A", number: int | None = None
) -> list[Judgment]:
    """Record ``choice`` on every criterion of the annotator's next free rows, straight into the tables."""
    now = timezone.now()
    made = []
    free = study.assignments.filter(annotator=None).order_by("ordinal", "sort_key")
    for assignment in free:
        if number is not None and len(made) >= number * study.criteria.count():
            break
        if annotator.assignments.filter(comparison=assignment.comparison_id).exists():
            continue
        assignment.annotator = annotator
        assignment.leased_at = assignment.lease_expires_at = assignment.submitted_at = now
        assignment.save()
        made += [
            Judgment.objects.create(
                assignment=assignment,
                criterion=criterion,
                choice=choice,
                active_ms=4000,
                key=uuid.uuid4(),
                submitted_at=now,
            )
            for criterion in study.criteria.all()
        ]
    return made


def closed_study(*, annotators: int = 2, choice: str = "A", **fields: object) -> Study:
    """Return a closed study whose annotators all gave the same choice to all they met."""
    study = open_study(**fields)
    for number in range(annotators):
        judge(
            study,
            annotator=AnnotatorFactory(study=study, pseudonym=f"annotator-{number + 1:04}"),
            choice=choice,
        )
    return lifecycle.close_study(study=study, actor="tests")


def reported(study: Study, **files: str) -> Report:
    """Store a report of a closed study that has next to nothing in it; ``files`` are by their format."""
    report = reporting.ask_for_report(study=study, actor="tests")
    assert reporting.claim_report(report.pk, owner="tests")
    made = reporting.Made(
        files={name: text.encode() for name, text in ({"body": "<p>The body.</p>"} | files).items()},
        judgments=Judgment.objects.filter(assignment__study=study).count(),
        judgments_hash="a" * 64,
        versions=versions(),
    )
    assert reporting.keep_report(report.pk, made, owner="tests")
    report.refresh_from_db()
    return report
