"""Readers of records beside the logs: what customers said, how contacts were handled, complaints, written work, staff, other figures."""

from ccstats.readers.records.customers import read_complaints, read_evaluations, read_surveys
from ccstats.readers.records.result import Records
from ccstats.readers.records.work import read_absences, read_figures, read_items, read_staff

__all__ = ["Records", "read_absences", "read_complaints", "read_evaluations", "read_figures", "read_items", "read_staff", "read_surveys"]
