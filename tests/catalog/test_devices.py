"""Enrolment: a code gives one key, once, within a day; a device that is removed has none left."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog import Catalog, Missing, Refused, open_catalog
from catalog.devices import CODE_LIFE_MS

NOW = 1_760_000_000_000


def add(catalog: Catalog, name: str = "phone-1", **more) -> str:
    given = {"user": "u-1", "grants_consent": True, "by": "tests", "now_ms": NOW}
    return catalog.devices.add(name, **{**given, **more})


def test_a_code_gives_a_key_for_its_device_once(catalog: Catalog) -> None:
    code = add(catalog)
    key, shown = catalog.devices.redeem(f"  {code.upper()} ".replace("-", " "), now_ms=NOW + 1)
    assert (key.device, key.user, key.grants_consent, key.scopes) == ("phone-1", "u-1", True, {"pings:write"})
    assert shown.startswith(f"gf_{key.id}_")
    with pytest.raises(Missing, match="was used before"):
        catalog.devices.redeem(code, now_ms=NOW + 2)
    assert [device.device for device in catalog.devices.list()] == ["phone-1"]


def test_a_code_is_too_old_after_a_day_and_a_wrong_one_is_none(catalog: Catalog) -> None:
    code = add(catalog)
    for wrong, now_ms in ((code, NOW + CODE_LIFE_MS), (code[:-1], NOW), ("", NOW)):
        with pytest.raises(Missing):
            catalog.devices.redeem(wrong, now_ms=now_ms)


def test_of_many_who_redeem_a_code_at_once_one_gets_the_key(url: str, catalog: Catalog) -> None:
    code = add(catalog)

    def redeem(_: int) -> bool:
        with open_catalog(url) as own:
            try:
                own.devices.redeem(code, now_ms=NOW)
            except Missing:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(redeem, range(6))) == 1
    assert len(catalog.keys.list()) == 1


def test_a_device_that_is_removed_has_no_valid_key_and_no_code(catalog: Catalog) -> None:
    catalog.devices.redeem(add(catalog), now_ms=NOW)
    open_code = add(catalog)
    assert catalog.devices.remove("phone-1", by="tests", now_ms=NOW + 1) == 1
    assert [key.revoked_ms for key in catalog.keys.list()] == [NOW + 1]
    assert catalog.devices.list() == []
    with pytest.raises(Missing):
        catalog.devices.redeem(open_code, now_ms=NOW + 2)


def test_a_code_that_was_not_used_is_none_once_there_is_a_newer_one(catalog: Catalog) -> None:
    old, other = add(catalog, user="u-1"), add(catalog, "phone-2")
    new = add(catalog, user="u-2", grants_consent=False)
    with pytest.raises(Missing):
        catalog.devices.redeem(old, now_ms=NOW)
    key, _ = catalog.devices.redeem(new, now_ms=NOW)
    assert (key.user, key.grants_consent) == ("u-2", False)
    assert catalog.devices.redeem(other, now_ms=NOW)[0].device == "phone-2"


@pytest.mark.parametrize("name", ["", "x" * 257, "a\nb", "\x00partition"])
def test_a_name_that_no_device_can_have_is_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(Refused, match=r"allowed: (1 to 256|text without)"):
        add(catalog, name)


def test_looking_at_a_code_uses_nothing_up_and_refuses_what_redeeming_would(catalog: Catalog) -> None:
    code = add(catalog)
    for _ in range(2):
        assert catalog.devices.peek(code, now_ms=NOW + 1).device == "phone-1"
    for wrong, now_ms in ((code, NOW + CODE_LIFE_MS), (code[:-1], NOW), ("", NOW)):
        with pytest.raises(Missing):
            catalog.devices.peek(wrong, now_ms=now_ms)
    catalog.devices.redeem(code, now_ms=NOW + 2)
    with pytest.raises(Missing, match="was used before"):
        catalog.devices.peek(code, now_ms=NOW + 3)
