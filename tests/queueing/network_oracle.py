"""The network of queues again, in plain Python: lists that are searched from end to end, giving up and opening as events like any other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

OFF, ON, HANG_UP, FREE, OPEN, COME, RETURN, LEAVE = range(8)


@dataclass
class Visit:
    contact: int
    attempt: int
    queue: int
    came: float
    since: float
    gives_up: float
    called_back: bool = False
    offered: float = math.nan
    agent: int = -1
    fate: str = "open"
    wait: float = math.nan
    end: float = math.nan
    inside: bool = field(default=False, repr=False)


def plain_network(
    queue,
    arrival,
    handle,
    patience,
    *,
    group,
    duties,
    preference,
    opens,
    priority,
    head_start,
    wrap,
    ring,
    lines,
    total,
    retrial,
    callback,
    delay,
    keeps,
):
    """`patience` and `retrial` are lists of one list for each contact; `duties` has the spans (on, off) of each agent, none touching."""
    visits = [Visit(i, 1, q, t, t, t + p[0]) for i, (q, t, p) in enumerate(zip(queue, arrival, patience, strict=True))]
    # duties at one instant by agent, whatever they are
    events = [(v.came, COME, i) for i, v in enumerate(visits)]
    events += [(t, 0, (a, what)) for a, spans in enumerate(duties) for span in spans for t, what in zip(span, (ON, OFF), strict=True)]
    heapify(events)
    on_duty, idle, busy, line = set(), [], {}, []

    def again(visit, at):
        """A further attempt, if there is one."""
        row = retrial[visit.contact]
        if visit.fate == "callback":
            comes = at + delay[visit.contact]
            since = visit.since if keeps else comes
            visits.append(Visit(visit.contact, visit.attempt + 1, visit.queue, comes, since, math.inf, called_back=True))
        elif visit.attempt <= len(row) and row[visit.attempt - 1] < math.inf:
            comes = at + row[visit.attempt - 1]
            limits = patience[visit.contact]
            limit = limits[min(visit.attempt, len(limits) - 1)]
            visits.append(Visit(visit.contact, visit.attempt + 1, visit.queue, comes, comes, comes + limit))
        else:
            return
        heappush(events, (comes, RETURN, len(visits) - 1))

    def may(agent, visit, now):
        g, q = group[agent], visit.queue
        return preference[g][q] > 0 and now >= visit.since + opens[g][q]

    def meet(agent, visit, now):
        idle.remove(agent)
        if visit in line:
            line.remove(visit)
        busy[agent] = visit
        visit.offered, visit.agent, visit.inside = now, agent, True
        c = visit.contact
        if now + ring[c] <= visit.gives_up:
            visit.fate, visit.wait = "answered", now + ring[c] - visit.came
            visit.end = now + ring[c] + handle[c]
            heappush(events, (visit.end - wrap[c], HANG_UP, visits.index(visit)))
        else:
            visit.fate, visit.end = "abandoned", visit.gives_up
            visit.wait = patience[c][min(visit.attempt, len(patience[c])) - 1]
            heappush(events, (visit.end, HANG_UP, visits.index(visit)))
            again(visit, visit.end)
        heappush(events, (visit.end, FREE, agent))

    while events:
        now, what, who = heappop(events)
        agent = visit = None
        if what == 0:
            who, what = who
            if what == ON:
                on_duty.add(who)
                if who not in busy:
                    agent = who
            else:
                on_duty.discard(who)
                if who in idle:
                    idle.remove(who)
        elif what == FREE:
            del busy[who]
            if who in on_duty:
                agent = who
        elif what == HANG_UP:
            visits[who].inside = False
        elif what == OPEN:
            if visits[who] in line:
                visit = visits[who]
        elif what in (COME, RETURN):
            visit = visits[who]
            if not visit.called_back:
                inside = [v for v in visits if v.inside]
                if len(inside) >= total or sum(v.queue == visit.queue for v in inside) >= lines[visit.queue]:
                    visit.fate, visit.end = "blocked_full", now
                    again(visit, now)
                    visit = None
                else:
                    visit.inside = True
        elif visits[who] in line:
            leaver = visits[who]
            line.remove(leaver)
            leaver.inside, leaver.end = False, now
            c = leaver.contact
            takes_callback = leaver.came + callback[c] <= leaver.gives_up
            leaver.fate = "callback" if takes_callback else "abandoned"
            leaver.wait = callback[c] if takes_callback else patience[c][min(leaver.attempt, len(patience[c])) - 1]
            again(leaver, now)

        if agent is not None:
            idle.append(agent)
            mine = [v for v in line if may(agent, v, now)]
            if mine:
                g = group[agent]
                rank = {id(v): (priority[v.queue], preference[g][v.queue], v.since - head_start[v.queue], v.queue, v.since) for v in mine}
                meet(agent, min(mine, key=lambda v: rank[id(v)]), now)
        elif visit is not None:
            ready = [a for a in idle if may(a, visit, now)]
            if ready:
                meet(min(ready, key=lambda a: (preference[group[a]][visit.queue], idle.index(a))), visit, now)
            elif visit not in line:
                line.append(visit)
                row = visits.index(visit)
                if not visit.called_back:
                    leaves = min(visit.gives_up, visit.came + callback[visit.contact])
                    if leaves < math.inf:
                        heappush(events, (leaves, LEAVE, row))
                for g in range(len(preference)):
                    if now < visit.since + opens[g][visit.queue] < math.inf:
                        heappush(events, (visit.since + opens[g][visit.queue], OPEN, row))
    return visits
