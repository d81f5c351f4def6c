"""What things are called in English, German, Spanish and Turkish: metrics, columns, tables, words in cells, sentences, numbers.

Data stays data: column names of CSV files, names of metrics and formulas are the same in every language. Labels are for people only. The
words themselves are the files ``de.toml``, ``en.toml``, ``es.toml`` and ``tr.toml``, each with its glossary at the head.
"""

from ccstats.labels.numbers import moment_text, number_text, share_text
from ccstats.labels.sentences import reason, translate
from ccstats.labels.words import LANGUAGES, check_language, column_label, metric_title, phrase, table_title, unit_label, vocabulary_word

__all__ = [
    "LANGUAGES",
    "check_language",
    "column_label",
    "metric_title",
    "moment_text",
    "number_text",
    "phrase",
    "reason",
    "share_text",
    "table_title",
    "translate",
    "unit_label",
    "vocabulary_word",
]
