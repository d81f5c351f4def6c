"""What the queueing models expect of given demand and agents, as sums that stand beside what was observed; in `expected`, by formula, and
`simulated`, by chance; `outlook` reads a plan, `staffed` joins intervals with the agents who were there.
"""
