"""The roster: names get slots, keep them, and leave nothing behind."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geofence.roster import Roster, SharedRoster
from geofence.text import Texts

names = st.text(max_size=6) | st.sampled_from(["a", "ab", "abc", "é", "日本", "\ud800", "a" * 300])


@given(st.lists(st.lists(names, max_size=20) | st.integers(0, 50), max_size=30))
def test_a_roster_is_a_dictionary_from_names_to_small_numbers(steps):
    roster, known = Roster(), {}
    for step in steps:
        if isinstance(step, list):
            slots = roster.slots_of(Texts.of(step)).tolist()
            for name, slot in zip(step, slots, strict=True):
                assert known.setdefault(name, slot) == slot
        elif known:
            name = sorted(known)[step % len(known)]
            roster.drop(known.pop(name))
        assert len(set(known.values())) == len(known)
        assert sorted(known.values()) == roster.live().tolist()
        assert {roster.name(slot): slot for slot in roster.live().tolist()} == known
        assert all(roster.slot_of(name) == slot for name, slot in known.items())
    assert roster.slot_of("never given") is None


def test_more_names_than_one_batch_holds_each_get_their_own_slot():
    many = [f"device-{number}" for number in range(150_000)]
    roster = Roster()
    slots = roster.slots_of(Texts.of(many + many[:70_000]))
    assert sorted(slots[:150_000].tolist()) == list(range(150_000))
    assert (slots[150_000:] == slots[:70_000]).all()
    assert [roster.name(int(slots[row])) for row in (0, 65_535, 65_536, 149_999)] == [
        many[row] for row in (0, 65_535, 65_536, 149_999)
    ]


def test_a_dropped_name_is_wiped_from_memory_and_its_slot_given_again():
    roster = Roster()
    slots = roster.slots_of(Texts.of(["anna", "benjamin", "cleo"])).tolist()
    roster.drop(slots[1])
    assert b"benjamin" not in roster._arena.tobytes()
    assert not roster.holds(slots[1])
    assert roster.slot_of("benjamin") is None
    assert roster.slots_of(Texts.of(["dora"])).tolist() == [slots[1]]
    assert roster.size == 3


def test_names_that_come_and_go_take_no_more_memory_than_those_that_are_there():
    roster = Roster()
    roster.slots_of(Texts.of([f"resident {number}" for number in range(100)]))
    for number in range(20_000):
        roster.drop(int(roster.slots_of(Texts.of([f"visitor with a long name {number}"]))[0]))
    assert roster.size == 101
    assert len(roster._arena) < 400_000
    assert len(roster._table) <= 1024
    assert [roster.name(slot) for slot in range(100)] == [f"resident {number}" for number in range(100)]
    assert all(roster.slot_of(f"resident {number}") == number for number in range(100))


def test_names_that_come_and_go_seldom_make_the_table_anew():
    for size in range(250, 262):  # where a table is as full as it may be, among others
        roster = Roster()
        roster.slots_of(Texts.of([str(number) for number in range(size)]))
        tables = set()
        for number in range(40):
            roster.drop(int(roster.slots_of(Texts.of([f"visitor {number}"]))[0]))
            tables.add(id(roster._table))
        assert len(tables) <= 3, size


def test_a_shared_name_stays_while_something_holds_it():
    users = SharedRoster()
    anna, ben = users.slots_of(Texts.of(["anna", "ben"])).tolist()
    users.holders[anna] += 2
    users.let_go(np.array([-1, anna, ben, ben]))
    assert users.slot_of("anna") == anna
    assert users.slot_of("ben") is None
    users.holders[anna] -= 2
    users.let_go(np.array([anna]))
    assert not len(users.live())
    assert users.slots_of(Texts.of(["cleo"])).tolist()[0] in (anna, ben)
