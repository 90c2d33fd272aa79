import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Region changes from Kafka into a table, each exactly once; at the first start {@code presence} says who is where.
 *
 * <p>Kafka's group only shares out the partitions; positions are in the database, in the transaction of what was made
 * of the records. So it does not matter when this program dies, nor whether another instance still holds the same
 * partition.
 */
final class FromKafka {
    private static final String CHANGES = "region-changes", PRESENCE = "presence";
    private static final Duration OVERLAP = Duration.ofMinutes(5);

    private final Table table;

    private FromKafka(Table table) {
        this.table = table;
    }

    public static void main(String[] arguments) throws Exception {
        try (Table table = Table.open()) {
            FromKafka program = new FromKafka(table);
            program.begin();
            program.follow();
        }
    }

    private static KafkaConsumer<String, String> consumer() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", env("KAFKA", "127.0.0.1:9092"));
        settings.put("group.id", env("GROUP", "whereabouts"));
        settings.put("isolation.level", "read_committed"); // what was written and not committed never happened
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "none"); // a position that has expired is an error, not a leap
        settings.put("session.timeout.ms", "6000"); // an instance that has died is missed after so long
        settings.put("heartbeat.interval.ms", "2000");
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    /** Have a position for every partition: those that are stored, or else begin from {@code presence}. */
    private void begin() throws SQLException {
        try (var consumer = consumer()) {
            List<TopicPartition> changes = partitions(consumer, CHANGES), presence = partitions(consumer, PRESENCE);
            List<TopicPartition> every = new ArrayList<>(changes);
            every.addAll(presence);
            Map<TopicPartition, Long> known = known(every);
            var oldest = consumer.beginningOffsets(every);
            var newest = consumer.endOffsets(every);
            if (every.stream().allMatch(one -> known.containsKey(one)
                    && known.get(one) >= oldest.get(one) && known.get(one) <= newest.get(one))) {
                return; // none has expired, and none is of topics that were there before these
            }
            // First where to go on, then who is where: nothing can be missed between the two. Five minutes are told
            // again, as a commit of both topics becomes visible in one a moment before the other.
            Map<TopicPartition, Long> starts = new HashMap<>(newest);
            long since = Instant.now().minus(OVERLAP).toEpochMilli();
            var recent = consumer.offsetsForTimes(every.stream().collect(Collectors.toMap(one -> one, one -> since)));
            recent.forEach((one, found) -> {
                if (found != null) {
                    starts.put(one, found.offset());
                }
            });
            Map<String, JsonObject> present = everyone(consumer, presence, consumer.endOffsets(presence));
            table.writing(() -> {
                if (known(every).equals(known)) { // no other instance was faster
                    storePresence(present);
                    for (TopicPartition one : every) {
                        table.storePosition(one.toString(), starts.get(one));
                    }
                }
            });
        }
    }

    private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        List<PartitionInfo> found = consumer.partitionsFor(topic);
        if (found.isEmpty()) {
            throw new IllegalStateException("there is no topic " + topic + "; `geofence topics create` makes it");
        }
        return found.stream().map(one -> new TopicPartition(topic, one.partition())).toList();
    }

    private Map<TopicPartition, Long> known(Collection<TopicPartition> every) throws SQLException {
        Map<TopicPartition, Long> known = new HashMap<>();
        for (TopicPartition one : every) {
            table.position(one.toString()).ifPresent(next -> known.put(one, next));
        }
        return known;
    }

    /** The newest presence of each device that has one, read up to {@code ends}. */
    private static Map<String, JsonObject> everyone(
            KafkaConsumer<String, String> consumer, List<TopicPartition> presence, Map<TopicPartition, Long> ends) {
        Map<String, JsonObject> present = new HashMap<>();
        consumer.assign(presence);
        consumer.seekToBeginning(presence);
        while (presence.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
            for (var record : consumer.poll(Duration.ofSeconds(1))) {
                if (record.value() == null) { // a tombstone: erased, or forgotten
                    present.remove(record.key());
                } else {
                    present.put(record.key(), JsonParser.parseString(record.value()).getAsJsonObject());
                }
            }
        }
        return present;
    }

    /** Who is where, instead of what was believed until now. */
    private void storePresence(Map<String, JsonObject> present) throws SQLException {
        table.empty();
        for (var presence : present.entrySet()) {
            for (var layer : presence.getValue().getAsJsonObject("layers").entrySet()) {
                for (JsonElement stay : layer.getValue().getAsJsonObject().getAsJsonArray("stays")) {
                    JsonElement region = stay.getAsJsonObject().get("id");
                    if (region != null && !region.isJsonNull()) { // none: outside every region
                        table.put(presence.getKey(), layer.getKey(), region.getAsString());
                    }
                }
            }
        }
        System.out.println("begun from presence: " + present.size() + " devices");
    }

    /** Take what comes until SIGTERM or SIGINT. */
    private void follow() throws Exception {
        try (var consumer = consumer()) {
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                consumer.wakeup();
                try {
                    main.join(10_000);
                } catch (InterruptedException ignored) {
                    Thread.currentThread().interrupt();
                }
            }));
            consumer.subscribe(List.of(CHANGES, PRESENCE), new FromTheTable(consumer));
            while (true) {
                var records = consumer.poll(Duration.ofMillis(200));
                for (TopicPartition partition : records.partitions()) {
                    take(partition, records.records(partition));
                }
            }
        } catch (WakeupException ended) {
            System.out.println("stopped"); // the group has been left, so that nobody waits for this instance
        }
    }

    /** What one partition has brought, in one transaction. Records behind the stored position were taken by another. */
    private void take(TopicPartition partition, List<ConsumerRecord<String, String>> records) throws SQLException {
        List<String> lines = new ArrayList<>();
        table.writing(() -> {
            long stored = table.position(partition.toString()).orElseThrow();
            for (var record : records) {
                if (record.offset() < stored) {
                    continue;
                }
                if (partition.topic().equals(CHANGES)) {
                    table.take(event(record)).ifPresent(lines::add);
                } else if (record.value() == null) { // nothing is known of the device any more: nor by us
                    table.bury(record.key(), record.timestamp());
                }
            }
            long next = records.get(records.size() - 1).offset() + 1;
            table.storePosition(partition.toString(), Math.max(stored, next));
        });
        lines.forEach(System.out::println);
    }

    private static Table.Event event(ConsumerRecord<String, String> record) {
        JsonObject change = JsonParser.parseString(record.value()).getAsJsonObject();
        return new Table.Event(header(record, "ce_type"), header(record, "ce_id"), header(record, "ce_dataschema"),
                change, record.timestamp());
    }

    private static String header(ConsumerRecord<?, ?> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    private static String env(String name, String otherwise) {
        return Optional.ofNullable(System.getenv(name)).orElse(otherwise);
    }

    /** Whoever is given a partition goes on where the table says, whoever had it before. */
    private final class FromTheTable implements ConsumerRebalanceListener {
        private final KafkaConsumer<?, ?> consumer;

        private FromTheTable(KafkaConsumer<?, ?> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
            // What was taken is committed.
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
            try {
                known(assigned).forEach(consumer::seek);
            } catch (SQLException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
