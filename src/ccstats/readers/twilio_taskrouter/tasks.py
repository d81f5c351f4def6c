"""Tasks, followed through their events by compiled code: stays in queues, and reservations of workers."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.twilio_taskrouter.attributes import coded
from ccstats.readers.twilio_taskrouter.events import RANK
from ccstats.readers.twilio_taskrouter.values import NEVER

__all__ = ["OUTCOMES", "REASONS", "Reservations", "Stays", "Tasks", "first_of", "tasks_of"]

#: What became of a stay that no worker took, by the event that ended it.
OUTCOMES = {
    "task-queue.timeout": "timed_out",
    "task-queue.moved": "overflowed",
    "task-queue.entered": "overflowed",
    "workflow.timeout": "timed_out",
    "workflow.skipped": "overflowed",
    "task.transfer-initiated": "overflowed",
    "task.transfer-failed": "failed",
    "task.transfer-canceled": "withdrawn",
    "task.deleted": "failed",
    "task.system-deleted": "failed",
    "task.completed": "unknown",
}
#: … and where that was ``task.canceled``, by its reason.
REASONS = {"": "abandoned", "hangup": "abandoned", "leave": "overflowed", "redirected": "overflowed"}

_TASK_CREATED, _TASK_UPDATED, _TASK_WRAPUP = RANK["task.created"], RANK["task.updated"], RANK["task.wrapup"]
_TIMEOUT, _MOVED, _ENTERED = RANK["task-queue.timeout"], RANK["task-queue.moved"], RANK["task-queue.entered"]
_SENT, _NOT_SENT, _CALLED_OFF = (RANK[f"task.transfer-{kind}"] for kind in ("initiated", "failed", "canceled"))
_CREATED, _ACCEPTED, _WRAPUP, _COMPLETED = (RANK[f"reservation.{kind}"] for kind in ("created", "accepted", "wrapup", "completed"))
#: A reservation is over for the worker with these; the first two are offers that came to nothing because of the worker.
_REJECTED, _LAPSED, _FAILED = RANK["reservation.rejected"], RANK["reservation.timeout"], RANK["reservation.failed"]
_CANCELED = RANK["task.canceled"]
#: These end a stay whatever was said of it before; the others only tell how it might go on.
_WORKFLOW_TIMEOUT, _SKIPPED = RANK["workflow.timeout"], RANK["workflow.skipped"]
_DONE, _DELETED = RANK["task.completed"], RANK["task.system-deleted"]
_NEVER = int(NEVER)

_compiled = numba.njit(cache=True, nogil=True)


class Stays(NamedTuple):
    """Stays of tasks in queues, in the order in which they began; words are places in a list, -1 is none, times are microseconds.

    One that was ``sent`` was sent there by a worker, one that is ``direct`` to a worker: that is none. ``left`` is the kind of the event
    that ended it, with its reason and when.
    """

    task: np.ndarray
    queue: np.ndarray
    since: np.ndarray
    sent: np.ndarray
    direct: np.ndarray
    left: np.ndarray
    reason: np.ndarray
    left_at: np.ndarray


class Reservations(NamedTuple):
    """Offers of tasks to workers, in the order in which they were first told of; ``ended`` is how if they were not completed."""

    task: np.ndarray
    stay: np.ndarray
    worker: np.ndarray
    queue: np.ndarray
    created: np.ndarray
    accepted: np.ndarray
    ended: np.ndarray
    ended_at: np.ndarray
    wrapped: np.ndarray
    completed: np.ndarray
    #: When the task joined the queue, as the reservation's events have it.
    entered: np.ndarray
    sent_to: np.ndarray

    @property
    def taken(self) -> np.ndarray:
        """Whether the worker took it, also where that event is lost."""
        return (self.accepted != NEVER) | (self.wrapped != NEVER) | (self.completed != NEVER)

    @property
    def missed(self) -> np.ndarray:
        """Whether the worker let it pass."""
        return ~self.taken & ((self.ended == _REJECTED) | (self.ended == _LAPSED))

    @property
    def began(self) -> np.ndarray:
        """When it was accepted, or else made."""
        return np.where(self.accepted != NEVER, self.accepted, self.created)


class Tasks(NamedTuple):
    """All tasks, numbered as they come, with their stays and reservations.

    ``key`` puts reservations in the order of their names; ``arrived``, ``wrapped`` and ``over`` are of tasks, and ``lost`` counts stays
    whose beginning is not in the log.
    """

    stays: Stays
    reservations: Reservations
    names: pa.Array
    places: pa.Array
    reasons: pa.Array
    key: np.ndarray
    arrived: np.ndarray
    wrapped: np.ndarray
    over: np.ndarray
    lost: int

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """When the talk of each reservation that was taken ended, and its wrap-up."""
        each, taken = self.reservations, self.reservations.taken
        began = each.began
        latest = np.full(len(self.names), NEVER)
        np.maximum.at(latest, each.task[taken], began[taken])
        # The task's own events stand in for lost ones of its last worker.
        last = (began != NEVER) & (began >= latest[each.task])
        wrapped, over = self.wrapped[each.task], self.over[each.task]
        wrapped = _or(each.wrapped, np.where(last & (wrapped >= began), wrapped, NEVER))
        over = _or(_or(each.completed, each.ended_at), np.where(last & (over >= began), over, NEVER))
        alone = wrapped == NEVER
        return np.where(alone, over, wrapped), np.where(alone, NEVER, over)


def tasks_of(events: pa.Table, workers: np.ndarray) -> Tasks:
    """Follow the tasks of events that are in order; ``workers`` are their workers' numbers."""
    told = events["task"].is_valid().to_numpy()
    queue, target, direct, places = _places(events, told)
    of_task = events.select(["task", "at", "rank", "entered", "reason", "reservation", "sender"]).filter(pa.array(told))
    workers = workers[told]
    (task,), names = coded(of_task["task"])
    at, rank, entered = (of_task[name].to_numpy() for name in ("at", "rank", "entered"))
    (reason,), reasons = coded(of_task["reason"])
    (reservation, sender), words = coded(of_task["reservation"], of_task["sender"])
    offers = (rank >= _CREATED) & (rank <= _FAILED) | (rank == _WRAPUP) | (rank == _COMPLETED)
    number = task.astype("int64") * (len(words) + 1)
    every = np.concatenate([(number + reservation)[offers], (number + sender)[rank == _SENT]])
    codes, pairs = pd.factorize(every)
    of_offer, of_sender = np.full(len(rank), -1), np.full(len(rank), -1)
    of_offer[offers], of_sender[rank == _SENT] = codes[: offers.sum()], codes[offers.sum() :]
    many = int(of_offer.max(initial=-1)) + 1
    stays = Stays(*_numbers(len(rank), (-1, -1, NEVER, False, False, -1, -1, NEVER)))
    found = Reservations(*_numbers(many, (-1, -1, -1, -1, NEVER, NEVER, -1, NEVER, NEVER, NEVER, NEVER, -1)))
    arrived, wrapped, over = (np.full(len(names), NEVER) for _ in range(3))
    count, lost = _follow(
        rank, task.astype("int64"), at, queue.astype("int64"), reason.astype("int64"), of_offer, of_sender, target.astype("int64"), direct,
        entered, workers.astype("int64"), stays, found, (arrived, wrapped, over),
    )  # fmt: skip
    place = np.empty(len(words) + 1, dtype="int64")
    place[pc.sort_indices(words).to_numpy()] = np.arange(len(words))
    key = place[pairs[:many] % (len(words) + 1)]
    return Tasks(Stays(*(each[:count] for each in stays)), found, names, places, reasons, key, arrived, wrapped, over, lost)


def first_of(groups: np.ndarray, values: np.ndarray, many: int, *, last: bool = False) -> np.ndarray:
    """The first value of each group that is not -1, or the last; -1 where there is none."""
    out = np.full(many, -1)
    there = np.flatnonzero((values >= 0) & (groups >= 0))
    there = there if last else there[::-1]
    out[groups[there]] = values[there]
    return out


def _places(events: pa.Table, told: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, pa.Array]:
    """Queues of the events that are ``told``, where a transfer goes to, and whether that is a worker.

    Both are places in the list of words that comes last. Queues are called by their names, of which any event may tell.
    """
    (sid, name, to), words = coded(events["queue_sid"], events["queue"], events["to"])
    called = np.append(first_of(sid, name, len(words), last=True), -1)
    name, sid, to = name[told], sid[told], to[told]
    queue = _or(_or(name, called[sid], -1), sid, -1)
    direct = np.append(pc.starts_with(words, "WK").to_numpy(zero_copy_only=False), False)[to]
    return queue, np.where(direct, to, _or(called[to], queue, -1)), direct, words


def _numbers(many: int, nothing: tuple[int | bool, ...]) -> list[np.ndarray]:
    return [np.full(many, each, dtype=bool if isinstance(each, bool) else "int64") for each in nothing]


def _or(one: np.ndarray, other: np.ndarray, nothing: int = NEVER) -> np.ndarray:
    return np.where(one != nothing, one, other)


@_compiled
def _enter(task, queue, at, stays, count, last, answered):
    """A task joins a queue; how many stays there are then."""
    stay = last[task]
    if stay >= 0 and not answered[stay]:
        if not stays.direct[stay] and stays.queue[stay] == queue:
            # The next step of a workflow may look in the same queue again.
            stays.left[stay], stays.reason[stay], stays.left_at[stay] = -1, -1, _NEVER
            return count
        if stays.left[stay] < 0:
            stays.left[stay], stays.left_at[stay] = _ENTERED, at
    stays.task[count], stays.queue[count], stays.since[count] = task, queue, at
    last[task] = count
    return count + 1


@_compiled
def _follow(rank, task, at, queue, reason, offer, sender, target, direct, entered, worker, stays, found, times):
    """Fill in stays, reservations, and when tasks arrived, were wrapped up and over; how many stays, and how many lost their beginning."""
    arrived, wrapped, over = times
    last = np.full(len(arrived), -1)
    newest = np.full(len(arrived), -1)
    sent_by, sent_to = np.full(len(arrived), -1), np.full(len(arrived), -1)
    answered = np.zeros(len(rank), np.bool_)
    count = lost = 0
    for row in range(len(rank)):
        kind, one, now = rank[row], task[row], at[row]
        if kind == _TASK_CREATED:
            if arrived[one] == _NEVER:
                arrived[one] = now
        elif kind == _ENTERED:
            count = _enter(one, queue[row], now, stays, count, last, answered)
        elif kind == _SENT:
            begun = sender[row] if sender[row] >= 0 and sender[row] < len(found.task) and found.task[sender[row]] >= 0 else newest[one]
            sent_by[one], sent_to[one] = begun, target[row]
            if begun >= 0:
                found.sent_to[begun] = target[row]
            stay = last[one]
            if stay >= 0 and not answered[stay] and stays.left[stay] < 0:
                stays.left[stay], stays.left_at[stay] = kind, now
            stays.task[count], stays.since[count], stays.sent[count], stays.direct[count] = one, now, True, direct[row]
            stays.queue[count] = -1 if direct[row] else target[row]
            last[one] = count
            count += 1
        elif offer[row] >= 0:
            res = offer[row]
            if found.task[res] < 0:
                found.task[res], found.queue[res] = one, queue[row]
                # The stay it belongs to; where its beginning is lost, the offer tells when it was.
                stay, since = last[one], entered[row]
                if since != _NEVER and since <= now and queue[row] >= 0:
                    elsewhere = stay >= 0 and not stays.direct[stay] and stays.queue[stay] != queue[row]
                    if stay < 0 or (elsewhere and since >= stays.since[stay]):
                        lost += 1
                        count = _enter(one, queue[row], since, stays, count, last, answered)
                        stay = last[one]
                if stay >= 0:
                    if stays.queue[stay] < 0 and not stays.direct[stay]:
                        stays.queue[stay] = queue[row]
                    found.stay[res] = stay
            if found.worker[res] < 0:
                found.worker[res] = worker[row]
            if found.queue[res] < 0:
                found.queue[res] = queue[row]
            if found.entered[res] == _NEVER:
                found.entered[res] = entered[row]
            if kind == _CREATED:
                found.created[res] = now
            elif kind == _ACCEPTED:
                if found.accepted[res] == _NEVER:
                    found.accepted[res] = now
                    other = newest[one]
                    if other < 0 or now > found.accepted[other] or (now == found.accepted[other] and res < other):
                        newest[one] = res
            elif kind == _WRAPUP:
                if found.wrapped[res] == _NEVER:
                    found.wrapped[res] = now
            elif kind == _COMPLETED:
                if found.completed[res] == _NEVER:
                    found.completed[res] = now
            elif found.ended[res] < 0:
                found.ended[res], found.ended_at[res] = kind, now
            taken = found.accepted[res] != _NEVER or found.wrapped[res] != _NEVER or found.completed[res] != _NEVER
            if taken and found.stay[res] >= 0 and stays.sent[found.stay[res]]:
                sent_by[one] = -1  # who was sent on has arrived
            if found.stay[res] >= 0 and taken and (found.accepted[res] != _NEVER or found.created[res] != _NEVER):
                answered[found.stay[res]] = True
        elif kind == _TASK_WRAPUP:
            wrapped[one] = now
        elif kind != _TASK_UPDATED:
            if sent_by[one] >= 0 and kind in (_NOT_SENT, _CALLED_OFF):
                found.sent_to[sent_by[one]] = -1  # the worker goes on
            stay = last[one]
            if stay >= 0 and not answered[stay]:
                said = stays.left[stay]
                gone_meanwhile = said == _NOT_SENT and kind == _CANCELED
                instead = gone_meanwhile or (said == _MOVED and kind == _TIMEOUT)
                if gone_meanwhile and sent_by[one] >= 0:
                    found.sent_to[sent_by[one]] = sent_to[one]  # it was on its way when the customer left
                if said < 0 or instead or kind in (_WORKFLOW_TIMEOUT, _SKIPPED):
                    stays.left[stay], stays.reason[stay], stays.left_at[stay] = kind, reason[row], now
            if kind >= _DONE and kind <= _DELETED and over[one] == _NEVER:
                over[one] = now
    return count, lost
