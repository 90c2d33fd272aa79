"""What a report comes to: how many findings of each severity and code, whether it can be published, what to do next.

Under every way of telling, so that all of them say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boundaries.checking.codes import Code, kind_of, severity_of
from boundaries.checking.finding import Finding, Mend, Report, Severity
from boundaries.checking.listing import many_of
from boundaries.wording import counted

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One report's."""

    errors: int
    warnings: int
    notes: int
    mendable: int  # findings for which a mend is offered

    @property
    def publishable(self) -> bool:
        """Whether a version may be published with it."""
        return self.errors == 0

    @property
    def severity(self) -> Severity | None:
        """The worst there is; None: nothing was found."""
        many = (self.errors, self.warnings, self.notes)
        return next((one for one, count in zip(_ORDER, many, strict=True) if count), None)

    @property
    def line(self) -> str:
        """The verdict in one line."""
        told = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")]
        counts = ", ".join(counted(many, noun) for many, noun in told if many) or "nothing was found"
        return f"{'Can be published' if self.publishable else 'Can’t be published'}: {counts}."

    @property
    def next_step(self) -> str:
        """What to do now."""
        if self.mendable and self.mendable >= self.errors + self.warnings:
            return (
                "All of it can be mended in one step: check again with --fix all, "
                "then compare the areas before and after."
            )
        some = f" A mend is offered for {counted(self.mendable, 'finding')}: --fix all." if self.mendable else ""
        if self.errors:
            return f"Correct the {'error' if self.errors == 1 else 'errors'}, then check again.{some}"
        if self.warnings:
            return f"Look at the warnings; publish if they are meant.{some}"
        return "Compare it with the version in force, then publish it."


def verdict_of(report: Report) -> Verdict:
    """Count a report's findings."""
    mendable = sum(many_of(finding) for finding in report.findings if finding.mend is Mend.OFFERED)
    found = Counter[Severity]()
    for finding in report.findings:
        found[severity_of(finding)] += many_of(finding)
    errors, warnings, notes = (found[one] for one in _ORDER)
    return Verdict(errors, warnings, notes, mendable)


def by_code(report: Report) -> Iterator[tuple[Code, list[tuple[int, Finding]]]]:
    """Findings of each code with their numbers in the report, from 1; the worst first, what was mended by itself."""
    found: dict[Code, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(report.findings, 1):
        found.setdefault(kind_of(finding), []).append((number, finding))
    yield from sorted(found.items(), key=lambda item: _ORDER.index(item[0].severity))


def total_of(findings: Iterable[Finding]) -> int:
    """How many they are, with those that are not listed."""
    return sum(map(many_of, findings))
