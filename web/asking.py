"""What administrators' endpoints share: bodies read, answers written, and the catalog asked off the event loop.

Under `admin` and `webhooks`. Invariant: whatever the catalog says against it is an answer, with its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import Response

from catalog import CatalogError, Conflict, Missing, Refused
from web.calling import called
from web.problem import Problem, come_again

_write = msgspec.json.Encoder().encode


async def asked(do: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """Ask the catalog, in a thread. Its errors as answers."""
    try:
        return await called(do, *given, **more)
    except Missing as error:
        raise Problem(404, "Not there", str(error)) from None
    except Conflict as error:
        raise Problem(409, "Not as it is", str(error)) from None
    except Refused as error:
        raise Problem(422, "Can't be", str(error)) from None
    except CatalogError:
        raise come_again("The catalog does not answer. Try again.", after_s=2) from None


def answer(value: object, status: int = 200) -> Response:
    """A struct as an answer."""
    return Response(_write(value), status, media_type="application/json")


def decoded(body: bytes, kind: Any) -> Any:
    """A body as a struct. Raises Problem."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fields = ", ".join(kind.__struct_fields__)
        raise Problem(
            400, "Can't be read", f"The body can't be read: {error}; allowed: an object with {fields}."
        ) from None
