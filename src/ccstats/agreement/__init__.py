"""What was promised to the client (EN 15838, 7.2): the agreement, its targets with source and date, and what they are worth."""

from ccstats.agreement.conditions import Exclusion, ThresholdRule
from ccstats.agreement.contract import Agreement
from ccstats.agreement.hours import OpeningHours
from ccstats.agreement.money import Step
from ccstats.agreement.targets import Target
from ccstats.agreement.terms import Index, QueueTerms, ServiceLevel

__all__ = ["Agreement", "Exclusion", "Index", "OpeningHours", "QueueTerms", "ServiceLevel", "Step", "Target", "ThresholdRule"]
