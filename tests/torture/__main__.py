"""`python -m tests.torture`: torments workers on both engines, and has a replay judge what came of it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial

from tests.torture import kinds
from tests.torture.bugs import BUGS
from tests.torture.outcome import Outcome, keep, summary
from tests.torture.run import Plan, on_kafka, on_sqlite, with_bug

_EPILOG = """\
Runs: kafka1 on one broker, kafka3 on three (replication 3, min.insync 2), sqlite; kafka is the first two. A fault
counts if it hit a worker that had said what it owned. Status 1 if anything is lost, doubled or wrong, if a fault
was not recovered from, or if too few owners were hit. With --bug that is as it should be, and with --bugs it is
what is asked for. See docs/torture.md."""


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__, epilog=_EPILOG)
    parser.add_argument("run", nargs="?", choices=["kafka", "kafka1", "kafka3", "sqlite"], help="all if not said")
    parser.add_argument("--seed", type=int, default=1, help="what the schedule and the pings are drawn from (1)")
    parser.add_argument("--minutes", type=float, default=38, help="for faults, in all (38); the judge comes on top")
    parser.add_argument("--faults", type=int, default=120, help="owners to hit on Kafka; on SQLite twice as many (120)")
    parser.add_argument("--pings", type=int, default=200_000, help="on Kafka at least, and on SQLite (200,000)")
    parser.add_argument("--rate", type=float, default=500.0, help="pings a second (500)")
    parser.add_argument("--short", action="store_true", help="every kind of fault once; about a minute a run")
    parser.add_argument("--bug", choices=[*BUGS], help="put this bug into the workers (kafka1, or sqlite)")
    parser.add_argument("--bugs", action="store_true", help="each bug in turn; status 1 if one is not found")
    return parser.parse_args()


def plans(given: argparse.Namespace) -> Iterator[Callable[[], Outcome]]:
    """The runs that are asked for; the time and the faults are shared out among them."""
    shares = {"kafka1": (0.6, 0.3, 1), "kafka3": (0.4, 0.4, 3), "sqlite": (2.0, 0.3, 0)}
    some = {name: share for name, share in shares.items() if name.startswith(given.run or "")}
    seconds = 60 * given.minutes / sum(part for _, part, _ in some.values())
    for name, (faults, part, brokers) in some.items():
        own = {1: kinds.KAFKA_ONE, 3: kinds.KAFKA_THREE, 0: kinds.SQLITE}[brokers]
        hits = sum(kind.short for kind in own.values()) if given.short else round(given.faults * faults)
        pings = 0 if given.short else round(given.pings * min(faults, 1.0))
        rate = given.rate * (0.6 if given.short else 1.0)
        plan = Plan(name, given.seed, hits, pings, rate, seconds * part, given.short)
        yield partial(on_kafka, plan, brokers) if brokers else partial(on_sqlite, plan)


def with_bugs(given: argparse.Namespace) -> list[Outcome]:
    """Each bug in turn."""
    name = "sqlite" if given.run == "sqlite" else "kafka1"
    few = given.short
    plan = Plan(name, given.seed, 2 if few else 12, 3_000 if few else 0, given.rate, 180.0, few)
    some = [with_bug(plan, bug) for bug in ([given.bug] if given.bug else BUGS)]
    return [told(on_sqlite(one) if name == "sqlite" else on_kafka(one, 1)) for one in some]


def told(outcome: Outcome) -> Outcome:
    """An outcome that has been printed and kept."""
    sys.stdout.write(outcome.text() + "\n\n")
    sys.stdout.flush()
    keep([outcome])
    return outcome


def main() -> int:
    """The exit status."""
    given = arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers that are away are the point of it
    bugged = given.bug or given.bugs
    outcomes = with_bugs(given) if bugged else [told(run()) for run in plans(given)]
    if len(outcomes) > 1 and not bugged:
        sys.stdout.write(summary(outcomes))
    if given.bugs:
        missed = [outcome.bug for outcome in outcomes if not (outcome.verdict.wrong or outcome.strange)]
        sys.stdout.write(f"\nbugs found: {len(outcomes) - len(missed)} of {len(outcomes)}\n")
        return 1 if missed else 0
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
