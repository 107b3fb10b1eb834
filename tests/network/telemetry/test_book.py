"""The book of devices on a fake clock: silent since, unreadable and why, back again, limited."""

from collections.abc import Sequence

from manara.base.clock import FakeClock
from manara.messages import Reading
from manara.network.telemetry.book import Book
from manara.network.telemetry.convert import ReadingMap
from manara.network.telemetry.found import Found
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.payload import Named
from tests.network.telemetry.peers import device

VOLTS = ReadingMap(part="battery", quantity="battery_voltage_v")


def book_of(*devices: str, poll_s: float = 30.0) -> tuple[Book, FakeClock, Latest]:
    clock = FakeClock()
    latest = Latest(clock)
    book = Book(latest.take_each, clock)
    for protocol in devices:
        book.put(device(protocol, id=protocol, code=protocol.upper(), poll_s=poll_s))
    return book, clock, latest


def told(book: Book, device_id: str) -> tuple[str, str]:
    state = next(state for state in book.states() if state.device_id == device_id)
    return state.state, state.why


def hear(book: Book, device_id: str, raw: object = 12.5) -> None:
    book.heard(device_id, [Found(VOLTS, "", raw)])


def test_one_that_speaks_when_it_wants_is_silent_after_three_of_its_intervals() -> None:
    book, clock, _ = book_of("mqtt", "push", "snmp")
    assert told(book, "mqtt") == ("waiting", "")
    clock.advance(91)
    assert told(book, "mqtt") == ("silent", "")  # never heard at all
    assert told(book, "snmp") == ("waiting", "")  # this one is asked: its time-out will say so
    hear(book, "mqtt")
    began_us = clock.wall_us()
    assert told(book, "mqtt") == ("ok", "")
    clock.advance(89)
    assert told(book, "mqtt") == ("ok", "")
    clock.advance(2)
    state = next(state for state in book.states() if state.device_id == "mqtt")
    assert (state.state, state.since_us) == ("silent", began_us)
    hear(book, "mqtt")
    assert told(book, "mqtt") == ("ok", "")


def test_nonsense_is_no_sign_of_life_for_ever() -> None:
    book, clock, _ = book_of("mqtt")
    for _ in range(10):
        clock.advance(10)
        hear(book, "mqtt", -1)
    assert told(book, "mqtt") == ("silent", "")
    clock.advance(1)
    hear(book, "mqtt")
    hear(book, "mqtt", "full")
    state = book.states()[0]
    assert (state.state, state.why, state.detail) == (
        "unreadable",
        "bad_data",
        "nothing of it is believed: battery_voltage_v not_a_number",
    )
    assert (state.readings, state.refused, state.failures) == (1, 11, 11)


def test_a_broker_that_is_away_is_its_own_reason() -> None:
    book, clock, _ = book_of("mqtt")
    hear(book, "mqtt")
    book.unreadable("mqtt", "broker", "the broker is away")
    since_us = book.states()[0].since_us
    clock.advance(600)
    book.unreadable("mqtt", "broker", "the broker is still away")
    state = book.states()[0]
    assert (state.state, state.why, state.since_us, state.failures) == ("unreadable", "broker", since_us, 2)
    book.connected("mqtt")
    assert told(book, "mqtt") == ("waiting", "")  # not silent at once: it could not reach us
    clock.advance(91)
    assert told(book, "mqtt") == ("silent", "")


def test_a_device_that_says_it_does_not_know_is_well() -> None:
    book, _, latest = book_of("modbus")
    entry = ReadingMap(part="battery", quantity="battery_voltage_v", no_value=(65535,))
    book.heard("modbus", [Found(entry, "", 65535)])
    assert told(book, "modbus") == ("ok", "")
    assert latest.accepted == 0
    book.heard("modbus", [Found(entry, "", None)])
    assert told(book, "modbus") == ("unreadable", "bad_data")


def test_a_flood_costs_the_flooder() -> None:
    book, clock, _ = book_of("mqtt", "push")
    taken = 0
    for _ in range(10_000):
        if book.may_speak("mqtt"):
            taken += 1
            hear(book, "mqtt")
    assert 2000 < taken < 3000
    assert book.states()[0].limited == 10_000 - taken == book.limited
    assert book.wait_s("mqtt") >= 0
    assert book.may_speak("push")
    clock.advance(1)
    assert book.may_speak("mqtt")
    assert not book.may_speak("nobody")


def test_what_changes_of_a_device_keeps_its_counters() -> None:
    book, _, latest = book_of("mqtt")
    hear(book, "mqtt")
    book.put(device("mqtt", id="mqtt", code="NEW", site_id="s9", subjects={"battery": "power_source:b9"}))
    state = book.states()[0]
    assert (state.code, state.site_id, state.state, state.readings) == ("NEW", "s9", "waiting", 1)
    hear(book, "mqtt", 13.0)
    assert latest.fresh("power_source:b9", "battery_voltage_v") == 13.0
    book.drop("mqtt")
    hear(book, "mqtt")
    book.unreadable("mqtt", "auth", "")
    assert book.states() == []
    assert book.heard_named("mqtt", [Named(quantity="reachable", value=1.0)]) == ["wrong_subject"]


def test_too_many_values_at_once_are_cut_and_counted() -> None:
    seen: list[int] = []

    def sink(readings: Sequence[Reading]) -> list[str]:
        seen.append(len(readings))
        return [""] * len(readings)

    book = Book(sink, FakeClock())
    book.put(device("snmp"))
    book.heard("dev", [Found(VOLTS, "", 12.0)] * 5000)
    assert seen == [4000]
    assert book.states()[0].limited == 1000
