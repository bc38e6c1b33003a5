"""The bounded queue of notices on their way: lanes that keep the order, and what gives way when it is full. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kengd.hub.notices.words import Channel, Notice, Recipient, Weight

Lane = tuple[str, Channel, Weight]


@dataclass(slots=True, eq=False)
class Job:
    """One notice to one person by one channel. `due_s`, `expires_s`: seconds of the sender's monotonic clock."""

    n: int
    notice: Notice
    recipient: Recipient
    channel: Channel
    due_s: float
    expires_s: float
    attempts: int = 0
    running: bool = False
    gone: bool = False

    @property
    def lane(self) -> Lane:
        """In one lane everything arrives in its order. Urgent things have a lane of their own and wait for nothing else."""
        return (self.recipient.id, self.channel, self.notice.weight)


class Waiting:
    """At most `most` jobs; one too many drops the oldest of the least weight (which can be the new one itself)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[Lane, dict[int, Job]] = {}
        self._by_weight: dict[Weight, dict[int, Job]] = {weight: {} for weight in Weight}

    def __len__(self) -> int:
        return sum(len(jobs) for jobs in self._by_weight.values())

    def add(self, job: Job) -> Job | None:
        """Puts it at the end of its lane; the job that had to give way, or None. What is being sent never gives way."""
        self._lanes.setdefault(job.lane, {})[job.n] = job
        self._by_weight[job.notice.weight][job.n] = job
        if len(self) <= self._most:
            return None
        for weight in Weight:
            for victim in self._by_weight[weight].values():
                if not victim.running:
                    self.remove(victim)
                    return victim
        return None

    def remove(self, job: Job) -> None:
        """It was sent, given up or dropped."""
        job.gone = True
        self._by_weight[job.notice.weight].pop(job.n, None)
        lane = self._lanes.get(job.lane, {})
        if lane.pop(job.n, None) is not None and not lane:
            del self._lanes[job.lane]

    def heads(self) -> list[Job]:
        """The first of each lane that is not being sent: the weightiest first, then the oldest."""
        heads = (next(iter(lane.values())) for lane in self._lanes.values())
        return sorted((job for job in heads if not job.running), key=lambda job: (-job.notice.weight, job.n))

    def __iter__(self) -> Iterator[Job]:
        """All jobs, the oldest first."""
        return iter(sorted((job for jobs in self._by_weight.values() for job in jobs.values()), key=lambda job: job.n))
