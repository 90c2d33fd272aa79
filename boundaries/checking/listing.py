"""A report's findings in a fixed order, and no more of a kind than a person can read.

Invariant: the same findings give the same list, whatever order they were found in; what is left out is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from boundaries.checking.codes import CODES, severity_of
from boundaries.checking.finding import Finding, Mend, Severity

LISTED = 200  # of one code
_MORE = "more"  # the figure of how many are left out
_SEVERITIES = tuple(Severity)


def listed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by code, then by region; of each code the first ones and how many more there are."""
    alike: dict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=_rank):
        alike[severity_of(finding), finding.code].append(finding)
    return tuple(one for several in alike.values() for one in _cut(several))


def many_of(finding: Finding) -> int:
    """For how many findings it stands: the last of a long list is there for all that are not listed."""
    return int(finding.figures.get(_MORE, 1))


def _rank(finding: Finding) -> tuple[object, ...]:
    severity = _SEVERITIES.index(severity_of(finding))
    row = -1 if finding.row is None else finding.row
    return severity, finding.code, finding.region or "", row, finding.other or "", finding.what


def _cut(findings: list[Finding]) -> list[Finding]:
    more = len(findings) - LISTED
    if more <= 0:
        return findings
    left_out = findings[LISTED:]
    mends = {finding.mend for finding in left_out}
    rest = Finding(
        code=findings[0].code,
        what=f"{more:,} more of these ({CODES[findings[0].code].title.lower()}) are not listed.",
        mend=mends.pop() if len(mends) == 1 else Mend.NO,
        figures={_MORE: float(more)},
    )
    return [*findings[:LISTED], rest]
