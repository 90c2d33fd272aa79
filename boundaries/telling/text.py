"""A report as plain text, for a terminal or a mail.

Invariant: no control character of a file comes through, so that no name can move the cursor or colour the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from boundaries.checking.codes import Code
from boundaries.checking.finding import Finding, Mend, Mended, Report, Severity, Source
from boundaries.telling.verdict import by_code, total_of, verdict_of
from boundaries.wording import change_m2, counted, metres, place, shown, square_metres

WIDTH = 100
MOST = 5
_TITLES = {Severity.ERROR: "ERRORS", Severity.WARNING: "WARNINGS", Severity.NOTE: "NOTES"}
_MENDS = {Mend.NO: "", Mend.OFFERED: "  [can be mended]", Mend.DONE: "  [mended]"}


def report_text(report: Report, most: int = MOST) -> str:
    """A report as text that ends with the verdict; of each code the first `most` findings."""
    verdict = verdict_of(report)
    lines = [*_head(report), *_findings(report, most), *_mended(report.mended, most)]
    return "\n".join([*lines, "", verdict.line, *_wrapped(verdict.next_step, ""), ""])


def _head(report: Report) -> Iterator[str]:
    yield f"Layer {shown(report.layer)} ({report.kind})"
    if report.source is not None:
        yield from _source(report.source)
    usable = "" if report.regions == report.features else f" of {counted(report.features, 'feature')}"
    yield f"  {counted(report.regions, 'region')}{usable}, {counted(report.vertices, 'vertex', 'vertices')}"


def _source(source: Source) -> Iterator[str]:
    inner = f", layer {shown(source.inner)}" if source.inner else ""
    yield f"  {shown(source.file)}: {source.format}{inner}, {source.size:,} bytes, {shown(source.encoding)}"
    if source.crs:
        yield f"  coordinates: {shown(source.crs)}"
    if source.operation:
        exact = f" (to {metres(source.operation_m)})" if source.operation_m is not None else ""
        yield f"  brought to WGS 84 by {shown(source.operation)}{exact}"
    names = f", names from {shown(source.name_from)}" if source.name_from else ""
    if source.id_from:
        yield f"  ids from {shown(source.id_from)}{names}{' (guessed)' if source.guessed else ''}"


def _findings(report: Report, most: int) -> Iterator[str]:
    severity = None
    for code, findings in by_code(report):
        if code.severity is not severity:
            severity = code.severity
            yield from ("", _TITLES[severity])
        yield from _group(code, [finding for _, finding in findings], most)


def _group(code: Code, findings: list[Finding], most: int) -> Iterator[str]:
    yield ""
    many = total_of(findings)
    yield f"  {code.title} ({code.code}): {many:,}"
    yield from _wrapped(code.means, "    ")
    for finding in findings[:most]:
        yield from _one(finding)
    if len(findings) > most:
        yield f"    ... and {many - most:,} more"
    yield from _wrapped(f"What to do: {code.remedy}", "    ")


def _one(finding: Finding) -> Iterator[str]:
    yield from _wrapped(shown(finding.what, longest=600), "    - ", "      ")
    told = [where_of(finding)]
    if finding.lon is not None and finding.lat is not None:
        told.append(f"at {place(lon=finding.lon, lat=finding.lat)}")
    line = ", ".join(one for one in told if one) + _MENDS[finding.mend]
    if line.strip():
        yield f"      {line.strip()}"


def where_of(finding: Finding) -> str:
    """Which regions and which feature a finding is about."""
    names = [f"region {shown(finding.region)}"] if finding.region is not None else []
    names += [f"and {shown(finding.other)}"] if finding.other is not None else []
    row = f"feature {finding.row:,} of the file, counted from 0" if finding.row is not None else ""
    return ", ".join(one for one in (" ".join(names), row) if one)


def _mended(mended: tuple[Mended, ...], most: int) -> Iterator[str]:
    if not mended:
        return
    yield from ("", f"MENDED: {counted(len(mended), 'region')}", "")
    for one in mended[:most]:
        areas = f"{square_metres(one.before_m2)} before, {square_metres(one.after_m2)} after"
        yield f"    - {shown(one.region)} ({', '.join(one.codes)}): {areas}, {change_m2(one.before_m2, one.after_m2)}"
    if len(mended) > most:
        yield f"    ... and {len(mended) - most:,} more"


def _wrapped(said: str, first: str, later: str | None = None) -> list[str]:
    return wrap(said, WIDTH, initial_indent=first, subsequent_indent=first if later is None else later)
