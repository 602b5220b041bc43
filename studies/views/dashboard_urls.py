"""The addresses of the dashboard."""

from django.urls import path
from django.views.generic import RedirectView

from studies.views import (
    actions,
    annotators,
    audit,
    checkpoints,
    components,
    downloads,
    generating,
    health,
    imports,
    joining,
    members,
    pair_changes,
    pairs,
    reconciling,
    reports,
    studies,
)

_STUDY = "studies/<slug:slug>/"

dashboard_patterns = [
    path("", RedirectView.as_view(pattern_name="studies:list"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("components/", components.show, name="components"),
    path("import/", imports.import_file, name="import"),
    path("checkpoints/", checkpoints.checkpoint_list, name="checkpoints"),
    path("studies/", studies.study_list, name="list"),
    path(_STUDY, studies.study_page, name="study"),
    path(f"{_STUDY}progress/", studies.study_progress, name="progress"),
    path(f"{_STUDY}do/<slug:name>/", actions.move_study, name="move"),
    path(f"{_STUDY}completions/<int:pk>/retry/", generating.retry, name="retry"),
    path(f"{_STUDY}pairs/", pairs.study_pairs, name="pairs"),
    path(f"{_STUDY}pairs/by-arm/", pair_changes.scan_by_arm, name="scan-by-arm"),
    path(f"{_STUDY}pairs/<slug:name>/", pair_changes.change_pairs, name="change-pairs"),
    path(f"{_STUDY}annotators/", annotators.study_annotators, name="annotators"),
    path(f"{_STUDY}annotators/<int:pk>/exclude/", annotators.exclude, name="exclude"),
    path(f"{_STUDY}exclusions/<int:pk>/revoke/", annotators.include_again, name="include"),
    path(f"{_STUDY}members/", members.study_members, name="members"),
    path(f"{_STUDY}members/<int:pk>/role/", members.set_role, name="member-role"),
    path(f"{_STUDY}members/<int:pk>/remove/", members.remove, name="member-remove"),
    path(f"{_STUDY}invitations/<int:pk>/revoke/", members.withdraw, name="invitation-revoke"),
    path(f"{_STUDY}log/", audit.study_log, name="log"),
    path(f"{_STUDY}log.<slug:fmt>", audit.study_log_file, name="log-file"),
    path("log/", audit.site_log, name="site-log"),
    path("log.<slug:fmt>", audit.site_log_file, name="site-log-file"),
    path("join/<str:token>/", joining.join, name="join"),
    path(f"{_STUDY}report/", reports.study_report, name="report"),
    path(f"{_STUDY}report/progress/", reports.report_progress, name="report-progress"),
    path(f"{_STUDY}report/make/", reports.make_report, name="report-make"),
    path(f"{_STUDY}reports/<int:number>/report.<slug:fmt>", downloads.report, name="stored"),
    path(f"{_STUDY}study.yaml", downloads.study_file, name="file"),
    path(f"{_STUDY}quality/", annotators.apply_quality, name="quality"),
    path(f"{_STUDY}reconcile/", reconciling.reconcile, name="reconcile"),
    path(f"{_STUDY}survey.csv", downloads.survey, name="survey"),
    path(f"{_STUDY}judgments.csv", downloads.judgments, name="judgments"),
    path(f"{_STUDY}report.<slug:fmt>", downloads.report, name="download"),
]
