"""A report as one page of HTML with maps in it, to be sent to whoever drew the regions.

Invariants: headings are in order; every finding is told, the first of each code with maps; the page stays small, since
later ones are told in a line each and very many are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from boundaries.checking.codes import Code
from boundaries.checking.finding import Finding, Mend, Mended, Report, Severity
from boundaries.maps.backdrop import Backdrop
from boundaries.pages.page import facts, figure, maps, page, table, text
from boundaries.telling.finding_maps import before_and_after, place_of, surroundings, whole
from boundaries.telling.text import where_of
from boundaries.telling.verdict import Verdict, by_code, total_of, verdict_of
from boundaries.wording import change_m2, counted, figures, metres, place, square_metres
from geofence.region import Region

MAPS_OF_CODE, MAPS = 5, 60  # findings that get maps
LINES_OF_CODE = 200
_TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}
_MENDS = {Mend.NO: "", Mend.OFFERED: "Can be mended", Mend.DONE: "Mended"}


def report_page(report: Report, regions: Sequence[Region]) -> str:
    """A report as a page; `regions` are those that could be used, to be drawn around the findings."""
    backdrop, verdict = Backdrop(regions), verdict_of(report)
    body = [_overview(report, backdrop), *_findings(report, backdrop), *_mended(report.mended, backdrop)]
    return page(title=f"{report.layer}: boundary report", head=_head(report, verdict), body="".join(body))


def _head(report: Report, verdict: Verdict) -> str:
    style = verdict.severity or "fine"
    return (
        f'<p class="eyebrow">Boundary report</p><h1>{text(report.layer)}</h1>'
        f'<p class="verdict {style}">{verdict.line}</p><p class="next">{verdict.next_step}</p>{_facts(report)}'
    )


def _facts(report: Report) -> str:
    usable = "" if report.regions == report.features else f" of {counted(report.features, 'feature')}"
    pairs = [
        ("Regions", f"{report.regions:,}{usable} ({report.kind})"),
        ("Vertices", f"{report.vertices:,}"),
    ]
    if (source := report.source) is not None:
        exact = f" (to {metres(source.operation_m)})" if source.operation_m is not None else ""
        inner = f", layer {text(source.inner)}" if source.inner else ""
        guessed = " (guessed)" if source.guessed else ""
        pairs += [
            ("File", f"{text(source.file)} ({source.size:,} bytes)"),
            ("Format", f"{text(source.format)}{inner}, {text(source.encoding)}"),
            ("Coordinate system", text(source.crs) if source.crs else ""),
            ("Brought to WGS 84 by", f"{text(source.operation)}{exact}" if source.operation else ""),
            ("Ids from", f"{text(source.id_from)}{guessed}" if source.id_from else ""),
            ("Names from", f"{text(source.name_from)}{guessed}" if source.name_from else ""),
        ]
    return facts(pairs)


def _overview(report: Report, backdrop: Backdrop) -> str:
    rows = [
        (
            f'<span class="severity {code.severity}">{code.severity.capitalize()}</span>',
            f'<a href="#{code.severity}-{code.code}">{code.title}</a>',
            f"{_total(findings):,}",
        )
        for code, findings in by_code(report)
    ]
    sheet = whole(report, backdrop)
    caption = "Each number is a finding below; “3 +2” stands for finding 3 and two more that are close to it."
    drawn = figure(sheet, caption if report.findings else "") if sheet is not None else ""
    listed = table(("Severity", "Finding", "How many"), rows) if rows else ""
    return f"<section><h2>Overview</h2>{listed}{drawn}</section>"


def _findings(report: Report, backdrop: Backdrop) -> Iterator[str]:
    severity, maps_left = None, MAPS
    for code, findings in by_code(report):
        if code.severity is not severity:
            severity = code.severity
            yield f"<h2>{_TITLES[severity]}</h2>"
        first = findings[: min(MAPS_OF_CODE, maps_left)]
        maps_left -= len(first)
        yield (
            f'<section aria-labelledby="{code.severity}-{code.code}"><h3 id="{code.severity}-{code.code}">{code.title}'
            f' <span class="{code.severity}">({_total(findings):,})</span></h3><p>{code.means}</p>'
            f'<p class="remedy">{code.remedy}</p>'
        )
        yield from (_card(number, finding, code, backdrop) for number, finding in first)
        yield _more(findings[len(first) :])
        yield "</section>"


def _total(findings: Sequence[tuple[int, Finding]]) -> int:
    return total_of(finding for _, finding in findings)


def _card(number: int, finding: Finding, code: Code, backdrop: Backdrop) -> str:
    spot = place_of(finding)
    told = [
        ("Where", place(lon=spot[0], lat=spot[1]) if spot else ""),
        ("Feature", f"{finding.row:,}, counted from 0" if finding.row is not None else ""),
        *((name.capitalize(), value) for name, value in figures(finding.figures)),
        ("Mend", _MENDS[finding.mend]),
    ]
    listed = "".join(f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in told if value)
    sheets = surroundings(number, finding, backdrop)
    captions = ("The place", "The whole region; the frame is the other map")
    drawn = maps([figure(sheet, caption) for sheet, caption in zip(sheets, captions, strict=False)]) if sheets else ""
    return (
        f'<article class="card" id="f{number}"><h4><span class="{code.severity}">{number}.</span> '
        f"{_named(finding, backdrop)}</h4><p>{text(finding.what, longest=600)}</p>"
        f"{f'<dl>{listed}</dl>' if listed else ''}{drawn}</article>"
    )


def _named(finding: Finding, backdrop: Backdrop) -> str:
    names = [_name(ident, backdrop) for ident in (finding.region, finding.other) if ident is not None]
    return " and ".join(names) or (f"Feature {finding.row:,}" if finding.row is not None else "The file")


def _name(ident: str, backdrop: Backdrop) -> str:
    region = backdrop.region(ident)
    return f"{text(ident)} {text(region.name)}" if region is not None and region.name else text(ident)


def _more(findings: Sequence[tuple[int, Finding]]) -> str:
    if not findings:
        return ""
    lines = "".join(_line(number, finding) for number, finding in findings[:LINES_OF_CODE])
    left = len(findings) - LINES_OF_CODE
    rest = f"<p>And {left:,} more, which the report as JSON has.</p>" if left > 0 else ""
    return f"<details><summary>{counted(_total(findings), 'more finding')}</summary><ul>{lines}</ul>{rest}</details>"


def _line(number: int, finding: Finding) -> str:
    spot = place_of(finding)
    where = f", {place(lon=spot[0], lat=spot[1])}" if spot else ""
    about = where_of(finding)
    return f'<li id="f{number}">{number}. {text(finding.what)} ({text(about) if about else "the file"}{where})</li>'


def _mended(mended: Sequence[Mended], backdrop: Backdrop) -> Iterator[str]:
    if not mended:
        return
    yield f"<section><h2>{counted(len(mended), 'mended region')}</h2><p>Compare before and after.</p>"
    for one in mended[:MAPS]:
        areas = (square_metres(one.before_m2), square_metres(one.after_m2))
        captions = [f"{when}: {area}" for when, area in zip(("Before", "After"), areas, strict=True)]
        sheets = before_and_after(one, backdrop)
        drawn = maps([figure(sheet, caption) for sheet, caption in zip(sheets, captions, strict=False)])
        told = f"{', '.join(one.codes)}; area {areas[0]} before, {areas[1]} after"
        yield (
            f'<article class="card"><h3>{_name(one.region, backdrop)}</h3>'
            f"<p>{told}: {change_m2(one.before_m2, one.after_m2)}</p>{drawn}</article>"
        )
    if len(mended) > MAPS:
        yield f"<p>And {counted(len(mended) - MAPS, 'region')} more, which the report as JSON has.</p>"
    yield "</section>"
