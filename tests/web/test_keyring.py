"""Keys are followed from a catalog: a new one is known to all who ask with it, however many and whenever."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog import Catalog, Unreachable, open_catalog, upgrade
from catalog.secret import new_id, new_key
from web.keyring import Keyring


class Counted:
    """The keys of a catalog; each look is counted, and something may be done while it is under way."""

    def __init__(self, catalog: Catalog, meanwhile: Callable[[], None]) -> None:
        self._keys, self.looks, self._meanwhile = catalog.keys, 0, meanwhile
        self.keys = self  # as a catalog has them

    def since(self, number: int) -> object:
        """A look."""
        self.looks += 1
        found = self._keys.since(number)
        self._meanwhile()
        return found


def create(catalog: Catalog) -> str:
    return catalog.keys.create(name="tests", scopes=("pings:write",), by="tests", now_ms=1)[1]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    url = f"sqlite:{tmp_path / 'catalog.db'}"
    upgrade(url)
    with open_catalog(url) as one:
        yield one


def test_a_burst_with_a_key_that_is_new_is_let_in_whole_after_one_look(catalog: Catalog) -> None:
    async def story() -> None:
        counted = Counted(catalog, lambda: None)
        keyring = Keyring(counted, 60)  # type: ignore[arg-type]
        await keyring.look()
        text = create(catalog)
        found = await asyncio.gather(*(keyring.find(text) for _ in range(500)))
        assert all(key is not None and key.name == "tests" for key in found)
        assert counted.looks == 2

    asyncio.run(story())


def test_a_key_that_is_made_while_a_look_is_under_way_is_found_by_the_next(catalog: Catalog) -> None:
    async def story() -> None:
        looked, go_on = threading.Event(), threading.Event()
        keyring = Keyring(Counted(catalog, lambda: looked.set() or go_on.wait(5)), 60)  # type: ignore[arg-type]
        early = asyncio.create_task(keyring.look())
        assert await asyncio.to_thread(looked.wait, 5)
        late = asyncio.create_task(keyring.find(create(catalog)))
        await asyncio.sleep(0.01)
        go_on.set()
        assert await late is not None
        await early

    asyncio.run(story())


def test_keys_that_nobody_made_cost_a_look_in_fifty_milliseconds_at_most(catalog: Catalog) -> None:
    async def story() -> None:
        counted = Counted(catalog, lambda: None)
        keyring = Keyring(counted, 60)  # type: ignore[arg-type]
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def guess() -> None:
            while loop.time() < began + 0.5:
                assert await keyring.find(new_key(new_id())[0]) is None

        await asyncio.gather(*(guess() for _ in range(50)))
        assert 2 <= counted.looks <= (loop.time() - began) / 0.05 + 1

    asyncio.run(story())


def test_many_unknown_keys_at_a_catalog_that_hangs_wait_for_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.keyring._LOOK_S", 0.5)
    go_on = threading.Event()
    hanging = SimpleNamespace(keys=SimpleNamespace(since=lambda number: go_on.wait(20)))

    async def story() -> None:
        keyring = Keyring(hanging, 1.0)  # type: ignore[arg-type]
        text, _ = new_key(new_id())
        try:
            async with asyncio.timeout(3):
                found = await asyncio.gather(*(keyring.find(text) for _ in range(10)), return_exceptions=True)
                assert {type(one) for one in found} == {Unreachable}
        finally:
            go_on.set()

    asyncio.run(story())
