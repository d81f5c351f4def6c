"""A call centre with known truth, from a seed: the same tables the readers yield."""

from ccstats.synthetic.centre import QUEUES, Planted, QueueSpec, Synthetic, synthesize_contacts

__all__ = ["QUEUES", "Planted", "QueueSpec", "Synthetic", "synthesize_contacts"]
