"""How long a conclusion waits for evidence that might explain more. Data with reasons; seconds.

A lost stream must be on a screen within 5 s of the recorder's word, and a site without power must not be four alarms.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settle:
    """The waits."""

    # Streams of one site stall together and are judged once a second by their recorder, which tells at once: siblings
    # follow within 1.5 s. Two seconds here leave three for commit, journal and screen.
    camera_s: float = 2.0
    # Some cameras close their connection when they lose power, others just stop and are lost a stall time (10 s)
    # later: with one sibling down, the others get this long to follow.
    siblings_s: float = 12.0
    # A dark site with its reason at hand waits only for the neighbours that fall with it.
    root_s: float = 3.0
    # A dark site without any reason waits for the next poll of switches and links (every 10 to 15 s at most sites)
    # before it is called isolated; the promise for telemetry is 30 s.
    unexplained_s: float = 18.0
    link_s: float = 15.0  # a link that is down waits for cameras (stall time 10 s) that it may have taken along
    power_s: float = 5.0
    cabinet_s: float = 2.0  # heat belongs to nothing larger; the fan is told in the same breath
    telemetry_s: float = 30.0
    unseen_s: float = (
        600.0  # while a site's recorder is down its cameras say nothing: another takes them, or somebody looks
    )
    picture_s: float = 5.0  # one fault of a lens shows as several within two looks
    # Dust comes over a sector within minutes: with a second site alike, pictures wait this long for a third.
    weather_s: float = 60.0
    stream_s: float = 10.0
    program_s: float = 1.0
    together_s: float = 180.0  # cameras that go within this are one outage; batteries sag, and cameras go one by one
    before_s: float = 60.0  # a thing that went this much earlier than its supposed root has a cause of its own
    # A place that was just mended starts: what begins there anew (a connection that breaks once more, a device that is
    # called silent just before it speaks) waits until it has started.
    grace_s: float = 60.0
    clearing_s: float = 300.0  # after dust, vision finds lenses well one by one; what is still dirty then is its own
    alike_s: float = 20.0  # pictures of two sites are frozen or dark at once: a third site is seen within this
    linger_s: float = 180.0  # cameras start again and are connected again within this after power or link is back
    hint_s: float = 900.0  # an open door, a lost grid this long before the dark still tells something


SETTLE = Settle()
