"""Settings of a log and of the gateway from the environment: taken by name, refused with the name."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ingest.gateway.settings import GatewaySettings
from service.environment import settings_of
from service.source import Unusable
from stream.kafka import KafkaSettings
from stream.sqlite import Settings

SQLITE, GATEWAY = "GEOFENCE_SQLITE_", "GEOFENCE_GATEWAY_"


def test_what_is_set_is_taken_and_the_rest_has_its_default() -> None:
    settings = settings_of(
        KafkaSettings,
        "GEOFENCE_KAFKA_",
        {
            "GEOFENCE_KAFKA_TLS": "true",
            "GEOFENCE_KAFKA_APPEND_S": "7.5",
            "GEOFENCE_KAFKA_REPLICATION": "5",
            "HOME": "/",
        },
        bootstrap="one:9092,two:9092",
    )
    assert settings.bootstrap == "one:9092,two:9092"
    assert (settings.tls, settings.append_s, settings.replication, settings.min_in_sync) == (True, 7.5, 5, 2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GEOFENCE_KAFKA_RETRIES", "3", "GEOFENCE_KAFKA_RETRIES is set, but there is no such setting"),
        ("GEOFENCE_KAFKA_BOOTSTRAP", "a:1", "GEOFENCE_KAFKA_BOOTSTRAP is set, but there is no such setting"),
        ("GEOFENCE_KAFKA_APPEND_S", "soon", "GEOFENCE_KAFKA_APPEND_S is 'soon'; allowed: a number"),
        ("GEOFENCE_KAFKA_REPLICATION", "2.5", "GEOFENCE_KAFKA_REPLICATION is '2.5'; allowed: a whole number"),
        ("GEOFENCE_KAFKA_TLS", "maybe", "GEOFENCE_KAFKA_TLS is 'maybe'; allowed: true or false"),
        ("GEOFENCE_KAFKA_APPEND_S", "-1", "GEOFENCE_KAFKA_APPEND_S is -1.0; it must be more than 0"),
        (
            "GEOFENCE_KAFKA_SASL",
            "GSSAPI",
            "GEOFENCE_KAFKA_SASL is 'GSSAPI'; allowed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        settings_of(KafkaSettings, "GEOFENCE_KAFKA_", {name: value}, bootstrap="a:1")


def test_an_embedded_log_s_settings_are_read_too() -> None:
    settings = settings_of(Settings, SQLITE, {SQLITE + "DROP_UNREAD": "true", "GEOFENCE_KAFKA_TLS": "true"})
    assert settings.drop_unread
    with pytest.raises(Unusable, match="DROP_UNREAD is 'perhaps'; allowed: true or false"):
        settings_of(Settings, SQLITE, {SQLITE + "DROP_UNREAD": "perhaps"})
    with pytest.raises(Unusable, match="GEOFENCE_SQLITE_UPKEEP_S is 0"):
        settings_of(Settings, SQLITE, {SQLITE + "UPKEEP_S": "0"})


@pytest.mark.parametrize("brokers", ["one:x", "one:0", "one:9092,", ":9092", "one:99999", "kafka://one:9092/x"])
def test_brokers_that_are_none_are_refused_with_what_they_must_be(brokers: str) -> None:
    with pytest.raises(Unusable, match=r"is no broker; it must be HOST:PORT"):
        settings_of(KafkaSettings, "GEOFENCE_KAFKA_", {}, bootstrap=brokers)


def test_every_setting_of_the_gateway_can_be_set() -> None:
    defaults = GatewaySettings()
    given = {field.name: getattr(defaults, field.name) for field in fields(GatewaySettings)}
    wanted = {name: value if isinstance(value, str | bool) else value * 2 for name, value in given.items()}
    environ = {GATEWAY + name.upper(): str(value).lower() for name, value in wanted.items()}
    assert settings_of(GatewaySettings, GATEWAY, environ) == GatewaySettings(**wanted)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KEYRATE", "3", "GEOFENCE_GATEWAY_KEYRATE is set, .* did you mean GEOFENCE_GATEWAY_KEY_RATE?"),
        ("TLS_CRT", "3", "did you mean GEOFENCE_GATEWAY_TLS_CERT?"),
        ("COLOUR", "red", "no such setting; allowed: GEOFENCE_GATEWAY_APPEND_S, GEOFENCE_GATEWAY_BODIES_BYTES, "),
        ("KEY_RATE", "many", "GEOFENCE_GATEWAY_KEY_RATE is 'many'; allowed: a number"),
        ("KEY_RATE", "0", "GEOFENCE_GATEWAY_KEY_RATE is 0.0; allowed: more than 0"),
        ("KEY_RATE", "nan", "GEOFENCE_GATEWAY_KEY_RATE is nan; allowed: more than 0"),
        ("CONSENT_BY_FIRST_PING", "perhaps", "GEOFENCE_GATEWAY_CONSENT_BY_FIRST_PING is 'perhaps'; allowed: true or f"),
    ],
)
def test_what_can_not_be_of_the_gateway_is_refused_by_name(name: str, value: str, said: str) -> None:
    others = {GATEWAY + "TLS_CERT", GATEWAY + "LISTEN"}
    with pytest.raises(Unusable, match=said):
        settings_of(GatewaySettings, GATEWAY, {GATEWAY + name: value, GATEWAY + "LISTEN": "x"}, others=others)
