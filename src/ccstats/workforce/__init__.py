"""Workforce management (7.6): how many contacts, how many agents, and would the plan have held."""
