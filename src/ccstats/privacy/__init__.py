"""Personal data (7.9, 5.7): keyed pseudonyms for customers, numbers for agents, suppression of small groups."""

from ccstats.privacy.pseudonyms import anonymise_agents, hide_texts, key_of, pseudonym, pseudonymise
from ccstats.privacy.small_rows import suppress_small
from ccstats.privacy.suppression import suppress_cells

__all__ = ["anonymise_agents", "hide_texts", "key_of", "pseudonym", "pseudonymise", "suppress_cells", "suppress_small"]
