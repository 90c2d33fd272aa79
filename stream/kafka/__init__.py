"""The log on Apache Kafka, by aiokafka."""

from stream.kafka.log import KafkaLog, open_kafka
from stream.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings", "open_kafka"]
