"""Kafka's settings: who is let in, what is refused and what is waited for, and topics that are not as they must be."""

import asyncio
from typing import Any

import pytest
from broker import PASSWORD, USER, Cluster
from copier import settings

from stream.kafka import KafkaSettings, open_kafka
from stream.kafka.topics import settings_of
from stream.port import Cleanup, Record, Topic, Unavailable, Unusable

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


async def enter(given: KafkaSettings) -> None:
    async with open_kafka(given) as log:
        with pytest.raises(Unusable, match="there is no topic nowhere"):
            await log.append("nowhere", [Record(b"k", b"v")])


@pytest.mark.parametrize("sasl", MECHANISMS)
def test_the_right_password_is_let_in(cluster: Cluster, sasl: str) -> None:
    asyncio.run(enter(settings(cluster.sasl_bootstrap, sasl=sasl, username=USER, password=PASSWORD)))


@pytest.mark.parametrize("sasl", MECHANISMS)
def test_a_wrong_password_is_not_tried_again(cluster: Cluster, sasl: str) -> None:
    with pytest.raises(Unusable, match="refuses SASL_PLAINTEXT as geofence"):
        asyncio.run(enter(settings(cluster.sasl_bootstrap, sasl=sasl, username=USER, password="wrong")))


def test_a_connection_is_encrypted_and_the_broker_is_who_it_says(cluster: Cluster) -> None:
    authority = str(cluster.brokers[0].folder / "server.pem")
    asyncio.run(enter(settings(cluster.tls_bootstrap, tls=True, ca_file=authority)))
    with pytest.raises(Unusable, match="certificate verify failed"):
        asyncio.run(enter(settings(cluster.tls_bootstrap, tls=True)))


def test_a_broker_that_is_away_is_waited_for() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 "):
        asyncio.run(enter(settings("127.0.0.1:9")))


def test_an_authority_file_that_is_missing_is_named() -> None:
    with pytest.raises(Unusable, match="ca_file"):
        asyncio.run(enter(settings("127.0.0.1:9", tls=True, ca_file="/nowhere/ca.pem")))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"sasl": "GSSAPI", "username": "a", "password": "b"}, "sasl is 'GSSAPI'"),
        ({"sasl": "PLAIN"}, "username and password"),
        ({"username": "a"}, "sasl is not"),
        ({"ca_file": "a"}, "tls is not"),
        ({"tls": True, "key_file": "a"}, "cert_file is not"),
        ({"commit_s": 0.0}, "commit_s"),
        ({"batch_bytes": 0}, "batch_bytes"),
        ({"replication": 1}, "min_in_sync is 2"),
        ({"take_s": 1.0}, "take_s"),
        ({"records_per_producer": 1 << 31}, "records_per_producer"),
    ],
)
def test_a_bad_setting_is_named(given: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        KafkaSettings(**given)


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(KafkaSettings(sasl="PLAIN", username="a", password="geheim"))


def test_what_is_past_its_time_waits_for_an_hour_at_most_for_the_rest_of_its_segment() -> None:
    hour = 3_600_000
    for keep_ms, segment_ms in ((24 * hour, hour), (168 * hour, 7 * hour), (60_000, hour)):
        assert settings_of(Topic("pings", 1, keep_ms=keep_ms), KafkaSettings())["segment.ms"] == str(segment_ms)
    assert "segment.ms" not in settings_of(Topic("for-ever", 1), KafkaSettings())


def test_what_is_wrong_with_a_topic_is_told_with_the_command_that_mends_it(cluster: Cluster) -> None:
    hour = 3_600_000
    made = [
        Topic("check-right", 2, keep_ms=24 * hour, keep_bytes=10**9),
        Topic("check-compacted", 2, Cleanup.COMPACT, compact_within_ms=48 * hour),
        Topic("check-wrong", 2, keep_ms=hour),
    ]
    wanted = [
        *made[:2],
        Topic("check-wrong", 4, Cleanup.COMPACT, compact_within_ms=48 * hour),
        Topic("check-missing", 1),
    ]

    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap)) as log:
            assert await log.create(made) == [topic.name for topic in made]
            assert await log.create(made) == []
            wrong = {(one.topic, one.setting): one for one in await log.check(wanted)}
        assert set(wrong) == {
            ("check-missing", "topic"),
            ("check-wrong", "partitions"),
            ("check-wrong", "cleanup.policy"),
            ("check-wrong", "max.compaction.lag.ms"),
        }
        lag = wrong["check-wrong", "max.compaction.lag.ms"]
        assert lag.wanted == str(24 * hour)
        assert "kafka-configs" in lag.fix
        assert f"--entity-name check-wrong --alter --add-config max.compaction.lag.ms={24 * hour}" in lag.fix

    asyncio.run(story())


def test_copies_that_the_cluster_can_not_keep_are_found(cluster: Cluster) -> None:
    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap, replication=3, min_in_sync=2)) as log:
            with pytest.raises(Unusable, match=r"too-many is to have 3 copies.*Set replication"):
                await log.create([Topic("too-many", 1)])
        async with open_kafka(settings(cluster.bootstrap)) as log:
            await log.create([Topic("too-few", 1)])
        async with open_kafka(settings(cluster.bootstrap, replication=3, min_in_sync=2)) as log:
            assert {one.setting for one in await log.check([Topic("too-few", 1)])} == {
                "replication",
                "min.insync.replicas",
            }

    asyncio.run(story())


def test_a_group_beyond_the_end_of_a_topic_is_told_so(cluster: Cluster) -> None:
    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap)) as log:
            await log.create([Topic("remade", 1)])
            async with log.claims("remade", group="remade") as claims:
                claim = await anext(claims)
                async with claim.take() as grip:
                    await grip.commit([], 5)
                with pytest.raises(Unusable, match="made anew"):
                    async with claim.take():
                        pass

    asyncio.run(story())
