"""What becomes of a signal: waits, is fleeting, is raised, repeats, is grouped, suppressed, held back or told. Pure.

    take: signal ─► known? ─► delay, dead-band, chattering ─► suppressed? ─► explained? ─► grouped? ─► told or held
    tick: delays that are over, ends that lasted, shelves and suppressions that ended, calm after a flood

Every signal gets an account (`room.accounts`), and each step a line in its alarm's life (`room.entries`): that is the
proof that none is lost. The clock is handed in; nothing is read or written. Asked by `actions.py` and by the replay.
What a person does is `hands.py`, whether it is told now `telling.py`.
"""

from collections import deque
from dataclasses import replace

from manara.alarms import kinds, life, telling
from manara.alarms.kinds import CONSEQUENCES, SECTOR_CONSEQUENCES, Kind
from manara.alarms.life import Life, State
from manara.alarms.room import DAY_US, SECOND_US, Account, Covering, OpenAlarm, Room, Waiting
from manara.alarms.signals import EVIDENCE_MAX, Signal


def take(room: Room, signal: Signal, now_us: int) -> bool:
    """Take a signal as it is now; False where this version of it, or a later one, was taken before."""
    known = room.versions.get(signal.id)
    if known is not None and signal.version <= known:
        return False
    room.versions[signal.id] = signal.version
    if known is None:
        _remember(room, signal, now_us)
    alarm = room.of_signal(signal.id)
    if alarm is not None and (alarm.kind, alarm.subject) != (signal.kind, signal.subject):
        # It has turned out to be something else: the old alarm has ended, the new one begins.
        room.detach(alarm, signal.id)
        room.note(alarm, now_us, "reclassified", detail={"kind": signal.kind, "subject": signal.subject})
        if not alarm.live_signals:
            _return(room, alarm, now_us)
        alarm = None
    if signal.active:
        _active(room, signal, alarm, now_us)
    else:
        _ended(room, signal, alarm, now_us, first=known is None)
    return True


def tick(room: Room, now_us: int) -> None:
    """Do what the clock asks for, whether signals come or not."""
    for waiting in [waiting for waiting in room.waiting.values() if waiting.due_us <= now_us]:
        del room.waiting[waiting.signal.id]
        _raise(room, waiting.signal, now_us)
    _cover(room, now_us)
    for alarm in list(room.alarms.values()):
        if alarm.off_us is not None and alarm.off_us + room.off_delay_us(alarm) <= now_us:
            _return(room, alarm, now_us)
        elif alarm.chattering and alarm.on_us is not None and alarm.on_us + room.steady_us(alarm) <= now_us:
            _steady(room, alarm, now_us)
        if alarm.life.shelf is not None and alarm.life.shelf.until_us <= now_us:
            uncover(room, alarm, life.unshelved(alarm.life), now_us, "shelf_ended")
    _orphans(room, now_us)
    telling.calm(room, now_us)


def _steady(room: Room, alarm: OpenAlarm, now_us: int) -> None:
    """It chattered, and now it stays: whoever acknowledged the chattering has not been told of this."""
    alarm.chattering = False
    alarm.on_us = None
    before = alarm.life
    alarm.life = life.realarmed(before)
    room.note(alarm, now_us, "steady")
    if life.annunciates(before, alarm.life):
        telling.announce(room, alarm, now_us, "realarmed")


def uncover(room: Room, alarm: OpenAlarm, after: Life, now_us: int, what: str, **more: str) -> None:
    """A cover was lifted: what is still active asks for attention again, what is not is closed."""
    told = life.annunciates(alarm.life, after)
    alarm.life = after
    room.note(alarm, now_us, what, **more)
    if not room.close_if_normal(alarm, now_us) and told:
        telling.announce(room, alarm, now_us)


def _active(room: Room, signal: Signal, alarm: OpenAlarm | None, now_us: int) -> None:
    alarm = alarm or room.of_source(signal.kind, signal.subject)
    if alarm is not None:
        _feed(room, alarm, signal, now_us)
        return
    if signal.id in room.waiting:
        room.waiting[signal.id].signal = signal
        return
    kind = kinds.of(room.table, signal.kind)
    due_us = min(signal.since_us, now_us) + round(kind.delay_on_s * SECOND_US)
    if due_us <= now_us or _nags(room, kind, signal, now_us):
        _raise(room, signal, now_us)
        return
    room.waiting[signal.id] = Waiting(signal, due_us)
    room.accounts[signal.id] = Account("waiting")


def _ended(room: Room, signal: Signal, alarm: OpenAlarm | None, now_us: int, *, first: bool) -> None:
    waiting = room.waiting.pop(signal.id, None)
    if alarm is not None:
        _fill(alarm, signal)
        room.detach(alarm, signal.id)
        room.changed.add(alarm.id)
        if signal.absorbed_into and not alarm.live_signals:
            alarm.detail = {**alarm.detail, "absorbed_into": signal.absorbed_into}
            parent = room.of_signal(signal.absorbed_into)
            if parent is not None and not alarm.life.hidden:
                _absorb(room, alarm, parent, now_us)
                return
        if not alarm.live_signals:
            alarm.on_us = None
            alarm.off_us = min(signal.ended_us or now_us, now_us)
            if alarm.off_us + room.off_delay_us(alarm) <= now_us:
                _return(room, alarm, now_us)
        return
    if waiting is None and not first:
        return  # its account is closed already
    open_alarm = room.of_source(signal.kind, signal.subject)
    if open_alarm is not None:
        open_alarm.count_24h = _count_24h(room, signal.kind, signal.subject, now_us)
        if not open_alarm.live_signals and open_alarm.life.active:
            open_alarm.off_us = max(open_alarm.off_us or 0, min(signal.ended_us or now_us, now_us))
            open_alarm.chattering = open_alarm.chattering or _chatters(room, signal, now_us)
        room.changed.add(open_alarm.id)
        room.accounts[signal.id] = _repeated(open_alarm)
        return
    # It came and went unseen (control was away, or it was short): real if it lasted for its delay.
    kind = kinds.of(room.table, signal.kind)
    delay_us = round(kind.delay_on_s * SECOND_US)
    if (signal.ended_us or now_us) - signal.since_us >= delay_us or _nags(room, kind, signal, now_us):
        raised = _raise(room, signal, now_us)
        room.detach(raised, signal.id)
        raised.off_us = signal.ended_us or now_us
        room.changed.add(raised.id)
        return
    room.accounts[signal.id] = Account("fleeting")


def _absorb(room: Room, alarm: OpenAlarm, parent: OpenAlarm, now_us: int) -> None:
    """A larger alarm turned out to explain this one: whoever answers that has answered this, and its bell is still."""
    group = room.alarms.get(alarm.group_id or "")
    telling.into(room, alarm, parent, now_us)
    alarm.life = replace(life.returned(alarm.life, now_us), owed=False, held=False)
    alarm.off_us = None
    room.note(alarm, now_us, "absorbed", detail={"into": parent.id})
    room.close_if_normal(alarm, now_us)
    if group is not None and group.is_group and group.id != parent.id and not room.children(group.id):
        group.life = replace(life.returned(group.life, now_us), owed=False)
        room.note(group, now_us, "absorbed", detail={"into": parent.id})
        room.close_if_normal(group, now_us)


def _feed(room: Room, alarm: OpenAlarm, signal: Signal, now_us: int) -> None:
    """More of an alarm that is open: learned, or back within its dead-band, or back after it had ended."""
    joins = signal.id not in alarm.live_signals
    _fill(alarm, signal)
    room.changed.add(alarm.id)
    alarm.changed_us = max(now_us, alarm.changed_us)
    if not joins:
        return
    if not alarm.live_signals:
        alarm.on_us = min(signal.since_us, now_us)
    room.attach(alarm, signal.id)
    room.waiting.pop(signal.id, None)
    alarm.off_us = None
    alarm.count_24h = _count_24h(room, alarm.kind, alarm.subject, now_us)
    if _chatters(room, signal, now_us) or _recurs(room, signal, now_us):
        alarm.chattering = True
    before = alarm.life
    alarm.life = life.raised(before)
    room.note(alarm, now_us, "repeated", detail={"signal": signal.id, "count_24h": alarm.count_24h})
    room.accounts[signal.id] = _repeated(alarm)
    if before.active:
        return
    group = room.alarms.get(alarm.group_id or "")
    if group is not None:
        _feed_group(room, alarm, group, now_us)
        return
    quiet_us = round(room.rules.repeat_quiet_s * SECOND_US)
    lately = alarm.annunciated_us is not None and now_us - alarm.annunciated_us < quiet_us
    if life.annunciates(before, alarm.life) and not alarm.chattering and not (before.owed and lately):
        telling.announce(room, alarm, now_us)


def _feed_group(room: Room, alarm: OpenAlarm, group: OpenAlarm, now_us: int) -> None:
    """A member is back: its group is active with it. What merely explained it has its own cause and stays as it is."""
    if group.is_group:
        group.off_us = None
    if group.is_group and not group.life.active:
        before = group.life
        group.life = life.raised(before)
        room.note(group, now_us, "repeated", detail={"alarm": alarm.id})
        if life.annunciates(before, group.life) and not before.owed:
            telling.announce(room, group, now_us)
    if group.life.state is State.ACKNOWLEDGED:
        alarm.life = replace(alarm.life, owed=False)
    elif not group.is_group and not group.life.active:
        alarm.released_us = now_us  # `_orphans` looks at it


def _repeated(alarm: OpenAlarm) -> Account:
    if alarm.life.out is not None:
        return Account("out_of_service", alarm.id)
    if alarm.life.suppressed is not None:
        return Account("suppressed", alarm.id, alarm.life.suppressed.id)
    if alarm.life.shelf is not None:
        return Account("shelved", alarm.id)
    return Account("repeated", alarm.id)


def _raise(room: Room, signal: Signal, now_us: int) -> OpenAlarm:
    existing = room.of_source(signal.kind, signal.subject)
    if existing is not None:
        _feed(room, existing, signal, now_us)
        return existing
    kind = kinds.of(room.table, signal.kind)
    alarm = OpenAlarm(
        id=room.make_id(),
        kind=signal.kind,
        priority=kind.priority,
        subject=signal.subject,
        since_us=min(signal.since_us, now_us),
        changed_us=now_us,
        owner_role=kind.owner_role,
        console_id=room.route(signal.kind, signal.sector_id, kind.owner_role, kind.skill),
        site_id=signal.site_id,
        sector_id=signal.sector_id,
        count_24h=_count_24h(room, signal.kind, signal.subject, now_us),
        chattering=_chatters(room, signal, now_us) or _recurs(room, signal, now_us),
        on_us=min(signal.since_us, now_us) if signal.active else None,
        exercise=signal.exercise,
        respond_by_us=now_us + kind.respond_s * SECOND_US,
    )
    _fill(alarm, signal)
    room.add(alarm)
    room.attach(alarm, signal.id)
    covering = _covering(room, alarm, now_us)
    start = Life(latched=kind.latched)
    if covering is not None:
        start = life.suppressed(start, life.Suppressed(covering.id, covering.reason, covering.until_us))
    alarm.life = life.raised(start)
    room.note(alarm, now_us, "raised", detail={"signal": signal.id})
    room.accounts[signal.id] = _place(room, alarm, kind, covering, now_us)
    for other in list(room.alarms.values()):  # what it explained may have ended before this was known
        if other.detail.get("absorbed_into") == signal.id and not other.live_signals and not other.life.hidden:
            _absorb(room, other, alarm, now_us)
    return alarm


def _place(room: Room, alarm: OpenAlarm, kind: Kind, covering: Covering | None, now_us: int) -> Account:
    """Where a new alarm stands: under a suppression, inside another, or before the operator."""
    if covering is not None:
        room.note(alarm, now_us, "suppressed", detail={"suppression": covering.id})
        return Account("suppressed", alarm.id, covering.id)
    parent = _explained(room, alarm)
    if parent is not None:
        telling.into(room, alarm, parent, now_us)
        return Account("grouped", alarm.id, parent.id)
    _take_in(room, alarm, now_us)
    if not kind.annunciate:
        return Account("listed", alarm.id)
    group = _group(room, alarm, kind, now_us) or _kind_group(room, alarm, now_us)
    if group is not None:
        return Account("grouped", alarm.id, group.id)
    told = telling.announce(room, alarm, now_us)
    return Account("annunciated" if told else "flood", alarm.id)


def _group(room: Room, alarm: OpenAlarm, kind: Kind, now_us: int) -> OpenAlarm | None:
    """Join the group of this kind at this place, or form one with those of late; returns it."""
    if kind.group_by == "none":
        return None
    by_site = kind.group_by == "site"
    place_id = alarm.site_id if by_site else alarm.sector_id
    if place_id is None:
        return None
    near = room.at_site(place_id) if by_site else room.in_sector(alarm.kind, place_id)
    window_us = round(room.rules.group_window_s * SECOND_US)
    alike: list[OpenAlarm] = []
    for other in near:
        if other is alarm or other.kind != alarm.kind or other.group_id is not None or other.life.hidden:
            continue
        if other.group_scope == kind.group_by and now_us - other.joined_us < window_us:
            return _join(room, alarm, other, now_us)
        if not other.is_group and other.life.active and now_us - other.since_us < window_us:
            alike.append(other)
    if len(alike) + 1 < (room.rules.group_site_min if by_site else room.rules.group_sector_min):
        return None
    group = telling.gather(room, [*alike, alarm], now_us, kind.group_by, alarm.sector_id, place_id if by_site else None)
    told = [other for other in alike if other.annunciated_us is not None and other.life.owed]
    if told:  # the bell of one of them has not been answered: the group answers to it, without another
        group.annunciated_us = max(other.annunciated_us or 0 for other in told)
        group.respond_by_us = min(other.respond_by_us or now_us for other in told)
        group.escalated = max(other.escalated for other in told)
        group.told_count = group.grouped_count
    else:
        telling.announce(room, group, now_us)
    return group


def _kind_group(room: Room, alarm: OpenAlarm, now_us: int) -> OpenAlarm | None:
    """A low kind that keeps coming from all over is one group of the console, so that it drowns nothing else."""
    if alarm.rank < telling.LOW:
        return None
    group = room.of_kind(alarm.console_id, alarm.kind)
    window_us = round(room.rules.kind_window_s * SECOND_US)
    if group is not None and not group.life.hidden and now_us - group.joined_us < window_us:
        return _join(room, alarm, group, now_us)
    if room.told_of_kind(alarm.console_id, alarm.kind, now_us) < room.rules.kind_limit:
        return None
    group = telling.gather(room, [alarm], now_us, "kind", None, None)
    telling.announce(room, group, now_us)
    return group


def _join(room: Room, alarm: OpenAlarm, group: OpenAlarm, now_us: int) -> OpenAlarm:
    telling.into(room, alarm, group, now_us)
    group.off_us = None
    before = group.life
    group.life = life.raised(group.life)
    if group.life.state is State.ACKNOWLEDGED and group.grouped_count >= room.rules.regroup_factor * max(
        group.told_count, 1
    ):
        group.life = life.realarmed(group.life)
    if life.annunciates(before, group.life) and not before.owed:
        telling.announce(room, group, now_us, "realarmed")
    return group


def _explained(room: Room, alarm: OpenAlarm) -> OpenAlarm | None:
    """The larger alarm at the same place that explains this one, active and before the operator's eyes."""
    found: list[OpenAlarm] = []
    if alarm.site_id is not None and (larger := CONSEQUENCES.get(alarm.kind)):
        found += [other for other in room.at_site(alarm.site_id) if other.kind in larger]
    if alarm.sector_id is not None and (larger := SECTOR_CONSEQUENCES.get(alarm.kind)):
        for kind in larger:
            found += room.in_sector(kind, alarm.sector_id)
    fitting = [other for other in found if other.life.active and not other.is_group and other.id != alarm.id]
    return min(fitting, key=lambda other: (other.rank, other.since_us, other.id), default=None)


def _take_in(room: Room, alarm: OpenAlarm, now_us: int) -> None:
    """A larger alarm takes in what it explains and was told before it was known."""
    if alarm.site_id is not None:
        for other in list(room.at_site(alarm.site_id)):
            if (
                alarm.kind in CONSEQUENCES.get(other.kind, ())
                and other.life.active
                and not other.life.hidden
                and other.group_id is None
                and not other.is_group
            ):
                telling.into(room, other, alarm, now_us)


def _orphans(room: Room, now_us: int) -> None:
    """What a larger alarm explained, and outlasts it, is told by itself."""
    orphan_us = round(room.rules.orphan_s * SECOND_US)
    for alarm in list(room.alarms.values()):
        if alarm.released_us is None or alarm.released_us + orphan_us > now_us:
            continue
        alarm.released_us = None
        room.changed.add(alarm.id)
        parent = room.alarms.get(alarm.group_id or "")
        if alarm.group_id is None or (parent is not None and (parent.is_group or parent.life.active)):
            continue
        room.put_into(alarm, None)
        if alarm.life.active:
            alarm.life = life.realarmed(alarm.life)
        room.note(alarm, now_us, "ungrouped")
        if not alarm.life.active:
            room.close_if_normal(alarm, now_us)
            continue
        kind = kinds.of(room.table, alarm.kind)
        if not alarm.life.hidden and kind.annunciate and _group(room, alarm, kind, now_us) is None:
            telling.announce(room, alarm, now_us)


def _return(room: Room, alarm: OpenAlarm, now_us: int) -> None:
    alarm.life = life.returned(alarm.life, alarm.off_us or now_us)
    alarm.off_us = None
    alarm.chattering = False
    room.note(alarm, now_us, "returned")
    room.close_if_normal(alarm, now_us)
    for child in () if alarm.is_group else room.children(alarm.id):
        child.released_us = now_us
        room.changed.add(child.id)
    group = room.alarms.get(alarm.group_id or "")
    if group is None or not group.is_group or not group.life.active:
        return
    if not any(member.life.active for member in room.children(group.id)):
        if group.group_scope == "kind":  # what keeps coming has ended when it stayed away
            group.off_us = now_us
            room.changed.add(group.id)
            return
        group.life = life.returned(group.life, now_us)
        room.note(group, now_us, "returned")
        room.close_if_normal(group, now_us)


def _cover(room: Room, now_us: int) -> None:
    """Make suppressions by design so: cover what lies within one, uncover what no longer does."""
    in_force = any(covering.from_us <= now_us < covering.until_us for covering in room.coverings.values())
    for alarm in list(room.alarms.values()):
        held = alarm.life.suppressed
        if held is None:
            if in_force and (other := _covering(room, alarm, now_us)) is not None:
                alarm.life = life.suppressed(alarm.life, life.Suppressed(other.id, other.reason, other.until_us))
                room.note(alarm, now_us, "suppressed", detail={"suppression": other.id})
            continue
        covering = room.coverings.get(held.id)
        if covering is not None and covering.covers(alarm, now_us):
            if covering.until_us != held.until_us:
                alarm.life = life.suppressed(alarm.life, replace(held, until_us=covering.until_us))
                room.changed.add(alarm.id)
            continue
        other = _covering(room, alarm, now_us)
        if other is not None:
            alarm.life = life.suppressed(alarm.life, life.Suppressed(other.id, other.reason, other.until_us))
            room.note(alarm, now_us, "suppressed", detail={"suppression": other.id})
        else:
            uncover(room, alarm, life.unsuppressed(alarm.life), now_us, "unsuppressed")


def _covering(room: Room, alarm: OpenAlarm, now_us: int) -> Covering | None:
    fitting = [covering for covering in room.coverings.values() if covering.covers(alarm, now_us)]
    return max(fitting, key=lambda covering: (covering.until_us, covering.id), default=None)


def _fill(alarm: OpenAlarm, signal: Signal) -> None:
    """What the signal tells, as the screen shows it."""
    alarm.signal_id = signal.id
    alarm.site_id = alarm.site_id or signal.site_id
    alarm.sector_id = alarm.sector_id or signal.sector_id
    alarm.sector_ids = signal.sector_ids or ([signal.sector_id] if signal.sector_id else [])
    alarm.camera_ids = list(signal.camera_ids)
    alarm.members_count = len(signal.members)
    alarm.direct, alarm.confidence = signal.direct, signal.confidence
    alarm.evidence = signal.evidence[:EVIDENCE_MAX]
    alarm.pictures, alarm.detail = signal.pictures, signal.detail


def _remember(room: Room, signal: Signal, now_us: int) -> None:
    seen = room.history.setdefault((signal.kind, signal.subject), deque())
    seen.append(now_us)
    while seen and seen[0] <= now_us - DAY_US:
        seen.popleft()
    if len(room.history) > room.rules.sources_max:
        del room.history[next(iter(room.history))]


def _count_24h(room: Room, kind: str, subject: str, now_us: int) -> int:
    return sum(at_us > now_us - DAY_US for at_us in room.history.get((kind, subject), ())) or 1


def _nags(room: Room, kind: Kind, signal: Signal, now_us: int) -> bool:
    """A source that is fleeting again and again is told once, unless it is of low priority: then it is only counted."""
    return kind.rank < telling.LOW and _chatters(room, signal, now_us)


def _chatters(room: Room, signal: Signal, now_us: int) -> bool:
    return _seen(room, signal, room.rules.chatter_window_s, now_us) >= room.rules.chatter_count


def _recurs(room: Room, signal: Signal, now_us: int) -> bool:
    return _seen(room, signal, room.rules.repeat_window_s, now_us) >= room.rules.repeat_count


def _seen(room: Room, signal: Signal, within_s: float, now_us: int) -> int:
    oldest_us = now_us - round(within_s * SECOND_US)
    return sum(at_us > oldest_us for at_us in room.history.get((signal.kind, signal.subject), ()))
