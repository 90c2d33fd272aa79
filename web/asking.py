"""What administrators' endpoints share: bodies read, answers written, and the catalog asked off the event loop.

Under every endpoint that asks the catalog. Invariant: whatever the catalog says against it is an answer, with its own
words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

import msgspec
from fastapi import Response

from catalog import CatalogError, Changed, Conflict, Missing, Refused
from web.calling import called
from web.problem import Problem, come_again

T = TypeVar("T")
P = ParamSpec("P")

_write = msgspec.json.Encoder().encode
_AT_LENGTH = ThreadPoolExecutor(4, thread_name_prefix="catalog-contents")


async def asked(do: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """Ask the catalog, in a thread. Its errors as answers."""
    with catalog_problems():
        return await called(do, *given, **more)


async def asked_at_length(do: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """The same for what moves whole contents, in threads of its own: it is waited for until it is done."""
    with catalog_problems():
        return await asyncio.get_running_loop().run_in_executor(_AT_LENGTH, partial(do, *given, **more))


@contextmanager
def catalog_problems() -> Iterator[None]:
    """What the catalog says against it, as answers."""
    try:
        yield
    except Missing as error:
        raise Problem(404, "Not there", str(error)) from None
    except Changed as error:
        raise Problem(412, "Changed", str(error)) from None
    except Conflict as error:
        raise Problem(409, "Not as it is", str(error)) from None
    except Refused as error:
        raise Problem(422, "Can't be", str(error)) from None
    except CatalogError:
        raise come_again("The catalog does not answer. Try again.", after_s=2) from None


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A struct as an answer."""
    return Response(_write(value), status, headers, media_type="application/json")


def decoded(body: bytes, kind: Any) -> Any:
    """A body as a struct. Raises Problem."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fields = ", ".join(kind.__struct_fields__)
        raise Problem(
            400, "Can't be read", f"The body can't be read: {error}; allowed: an object with {fields}."
        ) from None
