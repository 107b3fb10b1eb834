"""What a person does with open alarms: acknowledge, shelve, take out of service, comment. On a `Room`; pure.

Each needs a person (`by` is never the program) and leaves a line in the alarm's life. What is done to a group is done
to what stands in it. Asked by `actions.py`, which judges who may and commits.
"""

from dataclasses import dataclass

from manara.alarms import life
from manara.alarms.life import NotAllowed, State
from manara.alarms.policy import uncover
from manara.alarms.room import SECOND_US, OpenAlarm, Room

REASON_MIN, REASON_MAX = 3, 500


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts."""

    id: str
    name: str


def acknowledge(room: Room, alarm: OpenAlarm, by: Person, now_us: int) -> None:
    """A person takes notice, also of everything inside it. Raises `NotAllowed`, naming who was quicker."""
    if alarm.life.state not in (State.UNACKNOWLEDGED, State.RETURNED_UNACKNOWLEDGED):
        if alarm.acknowledged_by is not None:
            raise NotAllowed(
                f"{alarm.acknowledged_by_name} has already acknowledged this alarm.",
                code="already_acknowledged",
                detail={"by": alarm.acknowledged_by_name, "at_us": alarm.acknowledged_us},
            )
        life.acknowledged(alarm.life)  # raises, saying why not
    for member in [alarm, *room.children(alarm.id)]:
        if member.life.state not in (State.UNACKNOWLEDGED, State.RETURNED_UNACKNOWLEDGED):
            continue
        member.life = life.acknowledged(member.life)
        member.acknowledged_us, member.acknowledged_by, member.acknowledged_by_name = now_us, by.id, by.name
        member.flooded = False
        room.note(member, now_us, "acknowledged", by=by.id, by_name=by.name)
        room.close_if_normal(member, now_us)


def shelve(room: Room, alarm: OpenAlarm, by: Person, reason: str, until_us: int, now_us: int) -> None:
    """Put aside until a time. Raises `NotAllowed` where it is too long or cannot be shelved."""
    longest_us = now_us + round(room.rules.shelf_max_s * SECOND_US)
    if not now_us < until_us <= longest_us:
        hours = room.rules.shelf_max_s / 3600
        raise NotAllowed(
            f"An alarm is shelved for at most {hours:g} hours, and not into the past.",
            code="shelf_too_long",
            detail={"until_max_us": longest_us},
        )
    shelf = life.Shelf(by.id, by.name, reason.strip(), now_us, until_us)
    for member in [alarm, *room.children(alarm.id)]:
        if member is not alarm and (member.life.state is State.NORMAL or member.life.out is not None):
            continue
        member.life = life.shelved(member.life, shelf)
        member.flooded = False
        room.note(
            member, now_us, "shelved", by=by.id, by_name=by.name, text=shelf.reason, detail={"until_us": until_us}
        )


def unshelve(room: Room, alarm: OpenAlarm, by: Person, now_us: int) -> None:
    """Take off the shelf; what is still active asks for attention again. Raises `NotAllowed`."""
    after = life.unshelved(alarm.life)  # raises where it is not shelved
    members = [member for member in room.children(alarm.id) if member.life.shelf is not None]
    uncover(room, alarm, after, now_us, "unshelved", by=by.id, by_name=by.name)
    for member in members:
        uncover(room, member, life.unshelved(member.life), now_us, "unshelved", by=by.id, by_name=by.name)


def comment(room: Room, alarm: OpenAlarm, by: Person, text: str, now_us: int) -> None:
    """Write a line into its life."""
    room.note(alarm, now_us, "commented", by=by.id, by_name=by.name, text=text.strip())


def take_out(room: Room, alarm: OpenAlarm, by: Person, reason: str, now_us: int) -> None:
    """Out of service until somebody puts it back. Raises `NotAllowed`."""
    out = life.OutOfService(by.id, by.name, reason.strip(), now_us)
    for member in [alarm, *room.children(alarm.id)]:
        if member is not alarm and member.life.out is not None:
            continue
        member.life = life.taken_out(member.life, out)
        member.flooded = False
        room.note(member, now_us, "out_of_service", by=by.id, by_name=by.name, text=out.reason)


def put_in(room: Room, alarm: OpenAlarm, by: Person, now_us: int) -> None:
    """Back in service. Raises `NotAllowed`."""
    after = life.put_in(alarm.life)
    members = [member for member in room.children(alarm.id) if member.life.out is not None]
    uncover(room, alarm, after, now_us, "in_service", by=by.id, by_name=by.name)
    for member in members:
        uncover(room, member, life.put_in(member.life), now_us, "in_service", by=by.id, by_name=by.name)


def reset(room: Room, alarm: OpenAlarm, by: Person, now_us: int) -> None:
    """Reset a latched alarm. Raises `NotAllowed`."""
    alarm.life = life.reset(alarm.life)
    room.note(alarm, now_us, "reset", by=by.id, by_name=by.name)
    room.close_if_normal(alarm, now_us)
