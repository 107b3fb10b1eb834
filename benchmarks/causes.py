"""Root causes of seeded faults on a synthetic province, against one alarm a symptom in the same run.

    python -m benchmarks.causes                     600 faults: two thirds single, one third two at a time
    python -m benchmarks.causes --faults 100 --seed 3 --wrong      and what was concluded where it was wrong

Limit (issue 3): root cause right in >= 95 % of >= 500. The province: 200 sites on rings and trees of fibre below eight
hubs; of the sites 45 % tell readings by a modem of their own, 43 % through their switch, 12 % nothing; one link end in
five is not watched. Symptoms come as they do: streams stall 10 s after the cut and are told within 1.5 s, some close
at once, switches are polled each 10 to 15 s, boxes tell each 10 to 30 s and what matters at once, one reading in
twenty is lost, a device is called silent after a minute, and unrelated noise goes on. All of it goes through the rules
of streams, telemetry and pictures, as in the role.

*Right*: the causes that are open at the end are exactly the true ones. Where nothing that was told can tell a cut link
from a dead switch or lost power (a blind site; a site whose readings pass the link that is cut), `site_isolated` at the
right site is what is true to say, and counts as right; how many those were is printed (`not_tellable`), and the share
without them (`strict_pct`).
"""

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

from benchmarks.causes_faults import FAULTS, Fault, Truth
from benchmarks.causes_province import FIRST_S, RECORDERS, Play, Province, hash_of, make_province
from manara.messages import RecorderStatus

LIMIT_PCT = 95.0


@dataclass
class Result:
    """How one run ended."""

    faults: list[Fault]
    open: list[Truth]
    right: bool
    strict: bool
    took_s: float | None
    symptoms: int
    causes: int
    cpu_s: float


def fits(fault: Fault, causes: list[Truth]) -> Truth | None:
    """The open cause that says what is true of a fault."""
    for truth in (fault.right, *fault.also):
        for one in causes:
            if one[0] == truth[0] and (not truth[1] or one[1] == truth[1]):
                return one
    return None


def play_one(province: Province, seed: int, count: int) -> Result:
    """One run with so many faults."""
    rng = random.Random(seed)
    play = Play(province, rng, night=rng.random() < 0.5)
    play.hot = set()  # type: ignore[attr-defined]
    play.look(0.0)
    makers, weights = zip(*FAULTS, strict=True)
    faults: list[Fault] = []
    while len(faults) < count:
        maker = rng.choices(makers, weights)[0]
        trial = Play.__new__(Play)
        trial.__dict__.update(play.__dict__)
        for name in ("queue", "no_power", "grid", "charge"):
            setattr(trial, name, type(getattr(play, name))(getattr(play, name)))
        fault = maker(trial, FIRST_S + (rng.uniform(0, 60) if faults else 0.0))
        if any(fault.sites & other.sites for other in faults):
            continue  # one would hide the other: nobody could say
        for name in ("queue", "no_power", "grid", "charge"):
            setattr(play, name, getattr(trial, name))
        # What was laid out acts on the play itself.
        trial.__dict__ = play.__dict__
        faults.append(fault)
    touched = {id for fault in faults for id in fault.sites if id in province.topology.sites}
    near = {
        province.topology.links[link].other(id) for id in touched for link in province.topology.site_links.get(id, ())
    }
    others = set(rng.sample(sorted(province.topology.sites), 12))
    hot = play.hot  # type: ignore[attr-defined]
    if hot:
        original = play.readings
        play.readings = lambda site, at_s: [  # type: ignore[method-assign]
            one for one in original(site, at_s) if site not in hot or one.quantity != "cabinet_temperature_c"
        ]

    def now_open() -> list[Truth]:
        return [(cause.kind, cause.subject) for cause in play.monitor.engine.open.values()]

    def judge(strict: bool) -> bool:
        causes = now_open()
        for fault in faults:
            bare = Fault(fault.name, fault.right) if strict else fault
            found = fits(bare, causes)
            if found is None:
                return False
            causes.remove(found)
            for truth in fault.expected:
                found = next((one for one in causes if one == truth), None)
                if found is None:
                    return False
                causes.remove(found)
        return not causes

    begun = time.process_time()
    noise(play)
    right_s = play.run(330.0, touched | near | others, lambda _play, _now_s: judge(strict=False))
    cpu_s = time.process_time() - begun
    first_s = play.first_symptom_s or 0.0
    took_s = None if right_s is None else right_s - first_s
    opened = play.monitor.counters.causes
    return Result(faults, now_open(), judge(strict=False), judge(strict=True), took_s, play.symptoms, opened, cpu_s)


def noise(play: Play) -> None:
    """What goes on all the time and is no fault: a short dip of the light, a little loss, a stream that hiccups."""
    rng = play.rng
    for _ in range(3):
        link = rng.choice(list(play.t.links))
        play.tell(
            rng.uniform(5, 300), play.t.links[link].a_site_id, f"link:{link}", "optical_rx_dbm", -22.6, noise=True
        )
        play.tell(rng.uniform(5, 300), play.t.links[link].a_site_id, f"link:{link}", "loss_pct", 1.4, noise=True)
    for _ in range(2):
        camera = rng.choice(list(play.t.cameras))
        if camera not in play.dark:
            play.tell_stream(rng.uniform(5, 40), play.stream(camera, "recording", reconnects=1))
    play.first_symptom_s = None


def steady(sites: int = 1000, seconds: int = 60) -> dict[str, object]:
    """What an ordinary minute of a large network costs: every stream told each 10 s, one in five changed each second,
    every box a round each 10 to 30 s, and a fault somewhere each second."""
    province = make_province(7, sites)
    rng = random.Random(7)
    play = Play(province, rng, night=False)
    play.look(0.0)
    cameras = list(province.recorder)
    words: list[list[tuple[float, RecorderStatus]]] = []
    for second in range(seconds):
        batch = []
        for number in range(RECORDERS):
            id = f"recorder-{number}"
            mine = [one for one in cameras if province.recorder[one] == id]
            told = mine if second % 10 == 0 else rng.sample(mine, len(mine) // 5)
            streams = [play.stream(one, "recording") for one in told]
            if second % 2:
                streams.append(play.stream(rng.choice(mine), "lost", "stalled", second))
            batch.append((float(second), RecorderStatus(recorder_id=id, at_us=play.us(second), streams=streams)))
        words.append(batch)
    rounds = {site: play.readings(site, 1.0) for site in sorted(province.modem | province.inline)}
    begun = time.process_time()
    for second, batch in enumerate(words):
        now_us = play.us(second)
        for _, status in batch:
            play.monitor.status(status, now_us)
        for site, readings in rounds.items():
            if (second + hash_of(site)) % play.every[site] < 1:
                play.monitor.readings(readings, now_us)
        for _ in range(5):  # the role looks at most ten times a second
            play.monitor.step(now_us)
    used_s = time.process_time() - begun
    return {
        "sites": len(province.topology.sites),
        "cameras": len(province.topology.cameras),
        "core_pct": round(100 * used_s / seconds, 1),
        "readings": play.monitor.counters.readings,
        "causes": play.monitor.counters.causes,
    }


def quantile(values: list[float], part: float) -> float:
    """In the unit of the values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def measure(faults: int, seed: int, *, wrong: bool = False, print_table: bool = True) -> dict[str, object]:
    """Play so many faults; returns the figures."""
    province = make_province(seed)
    results = [play_one(province, seed * 100_003 + number, 2 if number % 3 == 2 else 1) for number in range(faults)]
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        causes = list(result.open)
        for fault in result.faults:
            found = fits(fault, causes)
            if found is not None:
                causes.remove(found)
            table[fault.name][found[0] if found else ("+".join(sorted({c[0] for c in causes})) or "nothing")] += 1
        if wrong and not result.right:
            print(
                "wrong:", [(f.name, f.right, f.also, f.expected) for f in result.faults], "->", str(result.open)[:700]
            )
    if print_table:
        for name in sorted(table):
            print(f"  {name:28}", ", ".join(f"{kind} {count}" for kind, count in table[name].most_common()))
    took = [one.took_s for one in results if one.took_s is not None]
    share = 100 * sum(one.right for one in results) / len(results)
    singles = [one for one in results if len(one.faults) == 1]
    doubles = [one for one in results if len(one.faults) == 2]
    cpu_ms = 1000 * sum(one.cpu_s for one in results) / len(results) / 330
    return {
        "benchmark": "causes",
        "faults": faults,
        "sites": len(province.topology.sites),
        "cameras": len(province.topology.cameras),
        "right_pct": round(share, 1),
        "right_single_pct": round(100 * sum(one.right for one in singles) / max(1, len(singles)), 1),
        "right_double_pct": round(100 * sum(one.right for one in doubles) / max(1, len(doubles)), 1),
        "strict_pct": round(100 * sum(one.strict for one in results) / len(results), 1),
        "not_tellable": sum(one.right and not one.strict for one in results),
        "to_the_right_cause_s": {"p50": round(quantile(took, 0.5), 1), "p95": round(quantile(took, 0.95), 1)},
        "alarms_opened": sum(one.causes for one in results),
        "peer": "one alarm a symptom",
        "peer_alarms": sum(one.symptoms for one in results),
        "cpu_ms_a_second": round(cpu_ms, 2),
        "steady": steady() if print_table else None,
        "limit_pct": LIMIT_PCT,
        "ok": share >= LIMIT_PCT,
    }


def main() -> int:
    """Prints the confusion table and one line of JSON. Returns 1 where the limit is not held."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--faults", type=int, default=600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--wrong", action="store_true", help="print what was concluded where it was wrong")
    chosen = options.parse_args()
    told = measure(chosen.faults, chosen.seed, wrong=chosen.wrong)
    print(
        f"{told['strict_pct']} % name the very fault; {told['right_pct']} % say all that could be known: "
        f"{told['not_tellable']} of {told['faults']} runs say less (`site_isolated`) where nothing told could decide"
    )
    print(json.dumps(told))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
