"""Reports people read: tables in the trade's units, Markdown, and files moved into place when they are whole."""

from ccstats.report.service_report import ServiceReport, build_service_report

__all__ = ["ServiceReport", "build_service_report"]
