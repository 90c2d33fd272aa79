"""What may be sent, and how far it is, whatever is delivered in whichever order."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.told import Told
from ingest.webhooks.window import Waiting, Window

PARTITIONS = 3


def told(device: int, offset: int) -> Told:
    """An event; a device is always in the same partition."""
    return Told(device % PARTITIONS, offset, f"d{device}", None, "town", "changed", (), b"{}", ())


@given(st.integers(0, 1 << 32))
def test_devices_keep_their_order_and_the_position_is_the_first_that_is_not_delivered(seed: int) -> None:
    chance = random.Random(seed)
    window, ends = Window((0,) * PARTITIONS), [0] * PARTITIONS
    out: list[Waiting] = []
    put: list[Told] = []
    delivered: list[tuple[str, int]] = []
    left: list[set[int]] = [set() for _ in range(PARTITIONS)]
    while len(put) < 60 or any(left):
        act = chance.choice(("put", "take", "done", "failed"))
        if act == "put" and len(put) < 60:
            events = []
            for _ in range(chance.randint(0, 6)):
                device = chance.randint(0, 6)
                events.append(told(device, ends[device % PARTITIONS]))
                left[device % PARTITIONS].add(ends[device % PARTITIONS])
                ends[device % PARTITIONS] += chance.randint(1, 3)  # offsets may have gaps
            put += events
            window.put(events, tuple(ends))
        elif act == "take" and (one := window.take()) is not None:
            assert one.told.device not in [other.told.device for other in out]
            out.append(one)
        elif act in ("done", "failed") and out:
            one = out.pop(chance.randrange(len(out)))
            if act == "done":
                delivered.append((one.told.device, one.told.offset))
                left[one.told.partition].remove(one.told.offset)
            getattr(window, act)(one)
        assert len(window) >= sum(map(len, left))
        assert window.position == tuple(min(mine, default=ends[n]) for n, mine in enumerate(left))
    assert len(window) == 0
    for device in range(7):
        mine = [offset for name, offset in delivered if name == f"d{device}"]
        assert mine == [one.offset for one in put if one.device == f"d{device}"]
