"""Settings of Kafka from the environment: taken by name, refused with the name."""

from __future__ import annotations

import pytest

from service.kafka_settings import kafka_settings
from service.source import Unusable


def test_what_is_set_is_taken_and_the_rest_has_its_default() -> None:
    settings = kafka_settings(
        "one:9092,two:9092",
        {
            "GEOFENCE_KAFKA_TLS": "true",
            "GEOFENCE_KAFKA_APPEND_S": "7.5",
            "GEOFENCE_KAFKA_REPLICATION": "5",
            "HOME": "/",
        },
    )
    assert settings.bootstrap == "one:9092,two:9092"
    assert (settings.tls, settings.append_s, settings.replication, settings.min_in_sync) == (True, 7.5, 5, 2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GEOFENCE_KAFKA_RETRIES", "3", "GEOFENCE_KAFKA_RETRIES is set, but there is no such setting"),
        ("GEOFENCE_KAFKA_BOOTSTRAP", "a:1", "GEOFENCE_KAFKA_BOOTSTRAP is set, but there is no such setting"),
        ("GEOFENCE_KAFKA_APPEND_S", "soon", "append_s"),
        ("GEOFENCE_KAFKA_APPEND_S", "-1", "append_s is -1.0; it must be more than 0"),
        ("GEOFENCE_KAFKA_SASL", "GSSAPI", "sasl"),
    ],
)
def test_what_can_not_be_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        kafka_settings("a:1", {name: value})
