"""How to reach Kafka: the address from `--log`, all else from the environment, `GEOFENCE_KAFKA_` before its name.

Read once, where a log is opened. Invariant: a name that does not exist or a value that can't be is refused, with both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import msgspec

from service.source import Unusable
from stream.kafka import KafkaSettings

PREFIX = "GEOFENCE_KAFKA_"


def kafka_settings(bootstrap: str, environ: Mapping[str, str]) -> KafkaSettings:
    """The settings. Raises Unusable."""
    names = {PREFIX + field.name.upper(): field.name for field in fields(KafkaSettings) if field.name != "bootstrap"}
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    unknown = sorted(given.keys() - names.keys())
    if unknown:
        raise Unusable(f"{unknown[0]} is set, but there is no such setting; allowed: {', '.join(sorted(names))}")
    values = {names[name]: value for name, value in given.items()}
    try:
        return msgspec.convert({"bootstrap": bootstrap, **values}, KafkaSettings, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise Unusable(f"the settings {PREFIX}... can't be used: {error}") from None
