"""A call centre with known truth, from a seed: the same tables the readers yield."""

from ccstats.synthetic.centre import Synthetic, synthesize_contacts
from ccstats.synthetic.simulated import Simulation, simulate_contacts
from ccstats.synthetic.specs import QUEUES, Planted, QueueSpec

__all__ = ["QUEUES", "Planted", "QueueSpec", "Simulation", "Synthetic", "simulate_contacts", "synthesize_contacts"]
