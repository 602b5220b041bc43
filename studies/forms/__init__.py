"""What researchers send, checked before a verb is called."""

from studies.forms.exclusion import ExclusionForm
from studies.forms.reconciling import RecruitedForm
from studies.forms.study import StudyFileForm

__all__ = ["ExclusionForm", "RecruitedForm", "StudyFileForm"]
