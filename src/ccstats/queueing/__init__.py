"""Queueing: closed formulas and a compiled event simulation; arrays in, arrays out, no tables."""
