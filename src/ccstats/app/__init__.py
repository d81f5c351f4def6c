"""A planner's and analyst's page in the browser, served from this machine to this machine only.

=================  =========================================================================
`centre`           what the page works on: demand, and what happened
`planning`         one day planned under what the controls say
`happened`         incidents, their intervals, their contacts
`plan_view`        the planner's view; `happened_view`: the analyst's
`page`             both as a Dash application; `parts`, `charts`: what they are made of
`guard`            who may talk to it; `server`: listening, until Ctrl-C
=================  =========================================================================

No figure is made here: each is the answer of a public function of the library. Needs the extra ``app``.
"""
