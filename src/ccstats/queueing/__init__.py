"""Queueing: closed formulas, the queue through a day, and a compiled event simulation; arrays in, arrays out, no tables.

==========================  ==========================================================================================
`erlang`                    Erlang B, C, A and finite lines, with their inverses; `kernels` and `sizing` are its engine
`general_patience`          patience of any law, random arrival rates, retrials; beneath it `patience_laws`, `measures`,
                            `offered_wait`, `random_rate`, `retrials`
`chat`                      several contacts at a time
`deferred`                  e-mail and back office: a deadline, and a backlog that is carried over
`blending`                  work that waits for a free moment
`limits`                    many-server limits, for guesses and plots
`time_varying_load`         the load of arrivals that come and go, were there agents enough
`transient`                 the queue through a day, its backlog carried over; `uniformisation` is its engine
`survival`, `patience`      curves, hazards and laws from censored waits
`simulation`                one queue; `network`: several, with skills; `network_loop` is its engine
`replications`              confidence intervals, common random numbers, as many runs as needed
==========================  ==========================================================================================
"""
