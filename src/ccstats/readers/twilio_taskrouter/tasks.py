"""Tasks, followed through their events: stays in queues, and reservations of workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ccstats.readers.twilio_taskrouter.events import About, Event

__all__ = ["OUTCOMES", "REASONS", "Reservation", "Stay", "Task"]

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
#: These end a stay whatever was said of it before; the others only tell how it might go on.
_FINAL = ("workflow.timeout", "workflow.skipped")
#: Offers that came to nothing because of the worker.
_MISSED = ("reservation.rejected", "reservation.timeout")
#: A reservation is over for the worker with these.
_OVER = ("reservation.rejected", "reservation.timeout", "reservation.rescinded", "reservation.canceled", "reservation.failed")


@dataclass
class Reservation:
    """One offer of a task to one worker."""

    key: str
    worker: str | None = None
    queue: str | None = None
    created: datetime | None = None
    accepted: datetime | None = None
    #: How it ended if it was not completed, and when.
    ended: tuple[str, datetime] | None = None
    wrapped: datetime | None = None
    completed: datetime | None = None
    #: When the task joined the queue, as the reservation's events have it.
    entered: datetime | None = None
    sent_to: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the worker took it, also where that event is lost."""
        return self.accepted is not None or self.wrapped is not None or self.completed is not None

    @property
    def missed(self) -> bool:
        """Whether the worker let it pass."""
        return not self.taken and self.ended is not None and self.ended[0] in _MISSED


@dataclass
class Stay:
    """One stay of a task in one queue; ``sent`` was sent there by a worker, ``direct`` to a worker: that is none."""

    queue: str | None
    since: datetime
    sent: bool = False
    direct: bool = False
    reservations: list[Reservation] = field(default_factory=list)
    #: The event that ended it, its reason, and when.
    left: tuple[str, str | None, datetime] | None = None

    @property
    def answer(self) -> Reservation | None:
        """The reservation that was taken first, if one was."""
        known = [each for each in self.reservations if each.taken and (each.accepted or each.created)]
        return min(known, key=lambda each: (each.accepted or each.created or self.since, each.key), default=None)


class Task:
    """One task; its events are given in their order.

    Parameters
    ----------
    key : str
        TaskSid.
    queues : mapping
        Names of queues by TaskQueueSid.
    """

    def __init__(self, key: str, queues: Mapping[str, str]) -> None:
        self.key, self.queues = key, queues
        self.stays: list[Stay] = []
        self.reservations: dict[str, Reservation] = {}
        self.arrived: datetime | None = None
        self.wrapped: datetime | None = None
        self.over: datetime | None = None
        self.channel: str | None = None
        self.about: list[About] = []
        self.notes: list[str] = []

    @property
    def contact(self) -> str:
        """The whole interaction's name: of the conversation, the call or the task."""
        conversation = next((each.conversation for each in self.about if each.conversation), None)
        return conversation or next((each.call for each in self.about if each.call), None) or self.key

    def follow(self, event: Event) -> None:
        """Take the next event."""
        if event.about is not None and (not self.about or self.about[-1] != event.about):
            self.about.append(event.about)
        self.channel = self.channel or event.channel
        queue = self._queue(event.queue, event.queue_sid)
        kind = event.kind
        if kind == "task.created":
            self.arrived = self.arrived or event.at
        elif kind == "task-queue.entered":
            self._enter(queue, event.at)
        elif kind == "task.transfer-initiated":
            self._send(event, queue)
        elif kind.startswith("reservation."):
            self._reserve(event, queue)
        elif kind == "task.wrapup":
            self.wrapped = event.at
        elif kind != "task.updated":
            self._leave(event)

    def _queue(self, name: str | None, sid: str | None) -> str | None:
        return name or (self.queues.get(sid, sid) if sid else None)

    @property
    def _waiting(self) -> Stay | None:
        """The stay that no worker has taken yet."""
        return self.stays[-1] if self.stays and self.stays[-1].answer is None else None

    def _enter(self, queue: str | None, at: datetime) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.direct and waiting.queue == queue:
            # The next step of a workflow may look in the same queue again.
            waiting.left = None
            return
        if waiting is not None and waiting.left is None:
            waiting.left = ("task-queue.entered", None, at)
        self.stays.append(Stay(queue, at))

    def _send(self, event: Event, queue: str | None) -> None:
        to = event.transfer_to or ""
        direct = to.startswith("WK")
        target = self.queues.get(to, queue) if not direct else to
        taken = [each for each in self.reservations.values() if each.taken and each.accepted]
        initiating = self.reservations.get(event.transfer_from or "") or max(
            taken, key=lambda each: each.accepted or event.at, default=None
        )
        if initiating is not None:
            initiating.sent_to = target
        if self._waiting is not None and self._waiting.left is None:
            self._waiting.left = (event.kind, None, event.at)
        self.stays.append(Stay(None if direct else target, event.at, sent=True, direct=direct))

    def _reserve(self, event: Event, queue: str | None) -> None:
        key = event.reservation or ""
        known = self.reservations.get(key)
        if known is None:
            known = self.reservations[key] = Reservation(key, queue=queue)
            self._place(known, event, queue)
        known.worker = known.worker or event.worker
        known.queue = known.queue or queue
        known.entered = known.entered or event.entered
        if event.kind == "reservation.created":
            known.created = event.at
        elif event.kind == "reservation.accepted":
            known.accepted = known.accepted or event.at
        elif event.kind == "reservation.wrapup":
            known.wrapped = known.wrapped or event.at
        elif event.kind == "reservation.completed":
            known.completed = known.completed or event.at
        elif event.kind in _OVER:
            known.ended = known.ended or (event.kind, event.at)

    def _place(self, reservation: Reservation, event: Event, queue: str | None) -> None:
        """The stay an offer belongs to; where its beginning is lost, the offer tells when it was."""
        last = self.stays[-1] if self.stays else None
        entered = event.entered if event.entered is not None and event.entered <= event.at else None
        elsewhere = last is not None and not last.direct and queue is not None and last.queue != queue
        if entered is not None and queue is not None and (last is None or (elsewhere and entered >= last.since)):
            self.notes.append("task-queue.entered is lost: TaskQueueEnteredDate is taken")
            self._enter(queue, entered)
            last = self.stays[-1]
        if last is not None:
            last.queue = last.queue or (None if last.direct else queue)
            last.reservations.append(reservation)

    def _leave(self, event: Event) -> None:
        waiting, kind = self._waiting, event.kind
        if waiting is not None:
            said = waiting.left[0] if waiting.left else None
            instead = said == "task-queue.moved" and kind == "task-queue.timeout"
            instead |= said == "task.transfer-failed" and kind == "task.canceled"
            if said is None or instead or kind in _FINAL:
                waiting.left = (kind, event.reason, event.at)
        if kind.startswith("task.") and not kind.startswith("task.transfer"):
            self.over = self.over or event.at

    def ends(self, reservation: Reservation) -> tuple[datetime | None, datetime | None]:
        """When the talk of a reservation that was taken ended, and its wrap-up."""
        began = reservation.accepted or reservation.created
        later = [each for each in self.reservations.values() if each.taken and each is not reservation]
        last = all((each.accepted or each.created or began) <= began for each in later) if began else False
        # The task's own events stand in for lost ones of its last worker.
        wrapped = reservation.wrapped or (self.wrapped if last and began and self.wrapped and self.wrapped >= began else None)
        over = reservation.completed or (reservation.ended[1] if reservation.ended else None)
        over = over or (self.over if last and began and self.over and self.over >= began else None)
        if wrapped is None:
            return over, None
        return wrapped, over
