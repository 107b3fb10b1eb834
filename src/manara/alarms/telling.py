"""Whether an operator is told now: the load of a console, its flood, what is held back and when that is told. Pure.

A person can take about one alarm in ten minutes, and loses the overview over ten (EEMUA 191). So under load the less
urgent are held back in the flood list, counted by kind, and told together, one kind at a time, as soon as the console
is calm. Critical and high ones are never held. Nothing held is dropped: it stays open until a person acknowledges it.
"""

from dataclasses import replace

from manara.alarms import kinds, life
from manara.alarms.life import State
from manara.alarms.room import SECOND_US, Flood, OpenAlarm, Room

LOW, MEDIUM = kinds.PRIORITIES.index("low"), kinds.PRIORITIES.index("medium")


def announce(room: Room, alarm: OpenAlarm, now_us: int, what: str = "annunciated") -> bool:
    """Tell the operator, or hold it back for the load. Returns whether it was told."""
    if not room.asks(alarm):
        return False
    if _hold(room, alarm, now_us):
        alarm.flooded = True
        room.note(alarm, now_us, "held_in_flood")
        return False
    tell(room, alarm, now_us, what)
    return True


def tell(room: Room, alarm: OpenAlarm, now_us: int, what: str = "annunciated") -> None:
    """Tell the operator: the time to respond begins, the console's load grows."""
    alarm.flooded = False
    alarm.annunciated_us = now_us
    alarm.escalated = 0
    alarm.told_count = alarm.grouped_count
    alarm.respond_by_us = now_us + kinds.of(room.table, alarm.kind).respond_s * SECOND_US
    alarm.acknowledged_us = alarm.acknowledged_by = None
    alarm.acknowledged_by_name = ""
    room.note(alarm, now_us, what, annunciated=True)
    load = room.load(alarm.console_id, now_us) + 1
    room.recent[alarm.console_id].append(now_us)
    room.told_of_kind(alarm.console_id, alarm.kind, now_us)
    room.recent_kinds[alarm.console_id, alarm.kind].append(now_us)
    if load > room.rules.flood_begins_over and alarm.console_id not in room.floods:
        flood = Flood(room.make_id(), alarm.console_id, now_us)
        room.floods[alarm.console_id] = flood
        room.floods_changed.append(flood)


def calm(room: Room, now_us: int) -> None:
    """End floods that are over, and tell what was held back where the console is calm again: one kind at a time."""
    for console_id, flood in list(room.floods.items()):
        if room.load(console_id, now_us) < room.rules.flood_ends_under:
            flood.ended_us = now_us
            del room.floods[console_id]
            room.floods_changed.append(flood)
    held: dict[str | None, list[OpenAlarm]] = {}
    for alarm in room.alarms.values():
        if alarm.flooded and alarm.group_id is None and alarm.life.state is State.UNACKNOWLEDGED:
            held.setdefault(alarm.console_id, []).append(alarm)
    for console_id, alarms in held.items():
        if console_id in room.floods or room.load(console_id, now_us) >= room.rules.release_under:
            continue
        first = min(alarms, key=lambda alarm: (alarm.rank, alarm.since_us, alarm.id))
        same = [alarm for alarm in alarms if alarm.kind == first.kind]
        if len(same) == 1:
            tell(room, first, now_us, "released")
            continue
        group = gather(room, same, now_us, "flood", first.sector_id if _one_sector(same) else None, None)
        tell(room, group, now_us, "released")


def gather(
    room: Room, alarms: list[OpenAlarm], now_us: int, scope: str, sector_id: str | None, site_id: str | None
) -> OpenAlarm:
    """Make one group alarm of several of a kind; returns it, not yet told."""
    first = min(alarms, key=lambda alarm: (alarm.rank, alarm.since_us, alarm.id))
    place = f"site:{site_id}" if site_id else f"sector:{sector_id}" if sector_id else "program:all"
    group = OpenAlarm(
        id=room.make_id(),
        kind=first.kind,
        priority=first.priority,
        subject=place,
        since_us=min(alarm.since_us for alarm in alarms),
        changed_us=now_us,
        life=life.raised(life.Life()),
        site_id=site_id,
        sector_id=sector_id,
        group_scope=scope,
        joined_us=now_us,
        owner_role=first.owner_role,
        console_id=first.console_id,
        exercise=all(alarm.exercise for alarm in alarms),
        direct=all(alarm.direct for alarm in alarms),
        confidence=min(alarm.confidence for alarm in alarms),
    )
    room.add(group)
    room.note(group, now_us, "raised", detail={"scope": scope})
    for alarm in alarms:
        into(room, alarm, group, now_us)
    return group


def into(room: Room, alarm: OpenAlarm, group: OpenAlarm, now_us: int) -> None:
    """Put an alarm into a group alarm, which shows and counts it from now on. A group gives up what it stands for."""
    if alarm.is_group:  # groups are one deep
        for inner in room.children(alarm.id):
            into(room, inner, group, now_us)
        alarm.life = life.Life()
        room.note(alarm, now_us, "merged", detail={"group": group.id})
        room.close_if_normal(alarm, now_us)
        return
    room.put_into(alarm, group.id)
    alarm.flooded = False
    group.joined_us = now_us
    group.grouped_count += 1
    group.sector_ids = _union(group.sector_ids, alarm.sector_ids)
    group.exercise = group.exercise and alarm.exercise
    if group.is_group:
        group.members_count += alarm.members_count
        group.camera_ids = _union(group.camera_ids, alarm.camera_ids)
        group.since_us = min(group.since_us, alarm.since_us)
    if alarm.life.owed and group.life.state is State.ACKNOWLEDGED:
        alarm.life = replace(alarm.life, owed=False)  # whoever acknowledged the group has it
    room.note(alarm, now_us, "grouped", detail={"group": group.id})
    room.note(group, now_us, "joined", detail={"alarm": alarm.id, "count": group.grouped_count})


def _hold(room: Room, alarm: OpenAlarm, now_us: int) -> bool:
    if alarm.rank < MEDIUM:
        return False
    if alarm.console_id in room.floods:
        return True
    limit = room.rules.hold_low_at if alarm.rank >= LOW else room.rules.hold_medium_at
    return room.load(alarm.console_id, now_us) >= limit


def _one_sector(alarms: list[OpenAlarm]) -> bool:
    return len({alarm.sector_id for alarm in alarms}) == 1


def _union(some: list[str], more: list[str]) -> list[str]:
    known = set(some)
    return some + [id for id in more if id not in known] if more else some
