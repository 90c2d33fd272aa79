"""A report's findings in a fixed order, and no more of a kind than a person can read.

Invariant: the same findings give the same list, whatever order they were found in; what is left out is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from boundaries.checking.codes import CODES, severity_of
from boundaries.checking.finding import Finding, Mend, Severity

LISTED = 200  # of one code
_SEVERITIES = tuple(Severity)


def listed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by code, then by region; of each code the first ones and how many more there are."""
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=_rank):
        by_code[finding.code].append(finding)
    return tuple(one for several in by_code.values() for one in _cut(several))


def _rank(finding: Finding) -> tuple[object, ...]:
    severity = _SEVERITIES.index(severity_of(finding))
    row = -1 if finding.row is None else finding.row
    return severity, finding.code, finding.region or "", row, finding.other or "", finding.what


def _cut(findings: list[Finding]) -> list[Finding]:
    more = len(findings) - LISTED
    if more <= 0:
        return findings
    left_out = findings[LISTED:]
    done = all(finding.mend is Mend.DONE for finding in left_out)
    rest = Finding(
        code=findings[0].code,
        what=f"{more:,} more of these ({CODES[findings[0].code].title.lower()}) are not listed.",
        mend=Mend.DONE if done else Mend.NO,
        figures={"more": float(more)},
    )
    return [*findings[:LISTED], rest]
