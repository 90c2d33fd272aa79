"""ETags and If-Match: two admins can't overwrite each other without noticing.

A revision of the catalog is the ETag of what it belongs to. Invariant: a condition that can't be understood is refused,
never passed over.
"""

from __future__ import annotations

import re

from fastapi import Request

from web.problem import Problem

_ONE = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def etag_of(revision: int) -> str:
    """The ETag of a revision."""
    return f'"{revision}"'


def seen(request: Request) -> int | None:
    """The revision that the caller has seen; None: they don't mind. Raises Problem."""
    said = request.headers.get("if-match")
    if said is None or said.strip() == "*":
        return None
    found = _ONE.fullmatch(said.strip())
    if found is None:
        detail = f'If-Match is {said[:80]!r}; allowed: one ETag as it was given, such as "17", or *.'
        raise Problem(400, "No such ETag", detail)
    return int(found[1])


def must_have_seen(request: Request) -> int | None:
    """The same, where the caller has to say something. Raises Problem."""
    if "if-match" not in request.headers:
        detail = "Send If-Match with the ETag of what you looked at, so that nobody's change is lost; * for any."
        raise Problem(428, "Which state?", detail)
    return seen(request)


def unchanged(request: Request, etag: str) -> bool:
    """Whether the caller has this already (If-None-Match)."""
    said = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in said.split(",") if one.strip())
