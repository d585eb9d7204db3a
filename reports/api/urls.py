"""Routes of the REST API, under /api/v1/. Every one but the last stands in the contract (tests/contract)."""

from __future__ import annotations

from django.urls import path, re_path

from reports.api import account, batch, contract, figures, filing, obligations

urlpatterns = [
    path("schema/", contract.Contract.as_view(), name="api-schema"),
    path("token/", account.Tokens.as_view(), name="api-token"),
    path("me/", account.Myself.as_view(), name="api-me"),
    path("obligations/", obligations.Obligations.as_view(), name="api-obligations"),
    path("obligations/<int:pk>/", obligations.ObligationDetail.as_view(), name="api-obligation"),
    path("windows/", obligations.Windows.as_view(), name="api-windows"),
    path("instruments/<slug:code>/versions/<int:number>/", obligations.Version.as_view(), name="api-version"),
    path("reports/", filing.Reports.as_view(), name="api-reports"),
    path("reports/batch/", batch.Batches.as_view(), name="api-batch"),
    path("reports/<uuid:pk>/", filing.ReportDetail.as_view(), name="api-report"),
    path("reports/<uuid:pk>/revisions/", filing.Revisions.as_view(), name="api-revisions"),
    path("reports/<uuid:pk>/approve/", filing.Approve.as_view(), name="api-approve"),
    path("reports/<uuid:pk>/return/", filing.SendBack.as_view(), name="api-return"),
    path("reports/<uuid:pk>/withdraw/", filing.Withdraw.as_view(), name="api-withdraw"),
    path("evidence/", filing.Evidence.as_view(), name="api-evidence"),
    path("units/<slug:election>/<slug:code>/tallies/", figures.Tallies.as_view(), name="api-tallies"),
    # A program that mistypes an address gets a problem it can read, not the site's page.
    re_path(r"", contract.Nothing.as_view(), name="api-nothing"),
]
