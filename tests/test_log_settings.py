"""Settings of a log from the environment: taken by name, refused with the name."""

from __future__ import annotations

import pytest

from service.log_settings import log_settings
from service.source import Unusable
from stream.kafka import KafkaSettings
from stream.sqlite import Settings

SQLITE = "GEOFENCE_SQLITE_"


def test_what_is_set_is_taken_and_the_rest_has_its_default() -> None:
    settings = log_settings(
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
        ("GEOFENCE_KAFKA_APPEND_S", "-1", "append_s is -1.0; it must be more than 0"),
        (
            "GEOFENCE_KAFKA_SASL",
            "GSSAPI",
            "GEOFENCE_KAFKA_SASL is 'GSSAPI'; allowed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        log_settings(KafkaSettings, "GEOFENCE_KAFKA_", {name: value}, bootstrap="a:1")


def test_an_embedded_log_s_settings_are_read_too() -> None:
    settings = log_settings(Settings, SQLITE, {SQLITE + "DROP_UNREAD": "true", "GEOFENCE_KAFKA_TLS": "true"})
    assert settings.drop_unread
    with pytest.raises(Unusable, match="DROP_UNREAD is 'perhaps'; allowed: true or false"):
        log_settings(Settings, SQLITE, {SQLITE + "DROP_UNREAD": "perhaps"})
    with pytest.raises(Unusable, match="upkeep_s is 0"):
        log_settings(Settings, SQLITE, {SQLITE + "UPKEEP_S": "0"})


@pytest.mark.parametrize("brokers", ["one:x", "one:0", "one:9092,", ":9092", "one:99999", "kafka://one:9092/x"])
def test_brokers_that_are_none_are_refused_with_what_they_must_be(brokers: str) -> None:
    with pytest.raises(Unusable, match=r"is no broker; it must be HOST:PORT"):
        log_settings(KafkaSettings, "GEOFENCE_KAFKA_", {}, bootstrap=brokers)
