"""Tables out of the house, for other programs: Parquet with types and units, and a queue_log for Asterisk's reporting tools."""

from ccstats.exports.parquet import read_parquet, write_parquet
from ccstats.exports.queue_log import write_queue_log

__all__ = ["read_parquet", "write_parquet", "write_queue_log"]
