import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sqlite.SQLiteConfig;

/**
 * Who is where, and who moved, in a database of one's own: what a program makes of an event.
 *
 * <p>Each event is taken in the transaction that also stores the position, so that neither is ever there without the
 * other. Invariants: an event's id is in {@code moved} once; {@code inside} has what the last event of a device and
 * layer says.
 */
final class Table implements AutoCloseable {
    private static final String SCHEMA = "urn:geofence:region-change:1";
    private static final long EVENTS_KEPT_MS = 8L * 86_400_000;
    private static final String[] TABLES = {
        "CREATE TABLE IF NOT EXISTS inside (device TEXT, layer TEXT, region TEXT, PRIMARY KEY (device, layer, region))",
        "CREATE TABLE IF NOT EXISTS moved (id TEXT PRIMARY KEY, device TEXT, layer TEXT, came_from TEXT, went_to TEXT, "
                + "cause TEXT, logged_ms INTEGER)",
        "CREATE INDEX IF NOT EXISTS moved_by_device ON moved (device)",
        "CREATE TABLE IF NOT EXISTS position (place TEXT PRIMARY KEY, next TEXT)",
        "CREATE TABLE IF NOT EXISTS forgotten (device TEXT PRIMARY KEY, until_ms INTEGER)"
    };

    private final Connection database;

    /** What a transaction does. */
    interface Work {
        void run() throws SQLException;
    }

    /** An event: its attributes, its data, and when the log got it. */
    record Event(String type, String id, String schema, JsonObject change, long loggedMs) {}

    private Table(Connection database) {
        this.database = database;
    }

    /** The database that DATABASE names. */
    static Table open() throws SQLException {
        SQLiteConfig settings = new SQLiteConfig();
        settings.setJournalMode(SQLiteConfig.JournalMode.WAL);
        settings.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
        settings.setBusyTimeout(30_000);
        String file = Optional.ofNullable(System.getenv("DATABASE")).orElse("whereabouts.db");
        Table table = new Table(DriverManager.getConnection("jdbc:sqlite:" + file, settings.toProperties()));
        for (String sql : TABLES) {
            table.write(sql);
        }
        return table;
    }

    /** A transaction that lets no other writer in between reading a position and storing the next. */
    void writing(Work work) throws SQLException {
        database.setAutoCommit(false);
        try {
            work.run();
            database.commit();
        } catch (Throwable error) { // an Error, too: to go back to auto-commit would commit the half
            database.rollback();
            throw error;
        } finally {
            database.setAutoCommit(true);
        }
    }

    /** Where to go on; empty at the very beginning. */
    Optional<Long> position(String place) throws SQLException {
        return rows("SELECT next FROM position WHERE place = ?", place).stream().findFirst().map(Long::valueOf);
    }

    /** Where to go on from now. */
    void storePosition(String place, long next) throws SQLException {
        write("INSERT INTO position VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next", place, "" + next);
    }

    /** Take an event once. What has been done; empty if it was taken before or is of a kind unknown to us. */
    Optional<String> take(Event event) throws SQLException {
        String kind = event.type().replace("geofence.region.", "");
        if (!List.of("changed", "entered", "exited", "dwelled").contains(kind)) {
            return Optional.empty();
        }
        if (!event.schema().equals(SCHEMA)) {
            throw new IllegalStateException("event " + event.id() + " has dataschema " + event.schema()
                    + "; this program knows " + SCHEMA + ". Update it.");
        }
        JsonObject change = event.change();
        String device = text(change, "device"), layer = text(change, "layer"), cause = text(change, "cause");
        String from = region(change, "from"), to = region(change, "to");
        String insert = "INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        if (write(insert, event.id(), device, layer, from, to, cause, event.loggedMs()) == 0) {
            return Optional.empty();
        }
        if (kind.equals("changed")) {
            write("DELETE FROM inside WHERE device = ? AND layer = ?", device, layer);
        }
        if (kind.equals("exited")) {
            write("DELETE FROM inside WHERE device = ? AND layer = ? AND region = ?", device, layer, from);
        }
        if (to != null && !kind.equals("exited")) {
            put(device, layer, to);
        }
        if (cause.equals("consent")) { // withdrawn, or erased: nothing of it may stay
            forget(device, Long.MAX_VALUE);
        } else { // a tombstone was read before this, perhaps; the two lie on different topics
            for (String until : rows("SELECT until_ms FROM forgotten WHERE device = ?", device)) {
                forget(device, Long.parseLong(until));
            }
        }
        return Optional.of("%s %s in %s: %s to %s (%s)".formatted(device, kind, layer, or(from), or(to), cause));
    }

    /** Keep nothing of what a device did until then but the ids of its events, by which a repeat is known. */
    void forget(String device, long untilMs) throws SQLException {
        write("UPDATE moved SET device = NULL, layer = NULL, came_from = NULL, went_to = NULL, cause = NULL "
                + "WHERE device = ? AND logged_ms <= ?", device, untilMs);
    }

    /** Forget what a device did until then, that which is still to come, too, for as long as events are kept. */
    void bury(String device, long untilMs) throws SQLException {
        forget(device, untilMs);
        write("INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms",
                device, untilMs);
        write("DELETE FROM forgotten WHERE until_ms < ?", untilMs - EVENTS_KEPT_MS);
    }

    /** Nobody is anywhere. */
    void empty() throws SQLException {
        write("DELETE FROM inside");
    }

    /** A device is in a region. */
    void put(String device, String layer, String region) throws SQLException {
        write("INSERT INTO inside VALUES (?, ?, ?) ON CONFLICT DO NOTHING", device, layer, region);
    }

    /** Who is where now, a line each. */
    List<String> whereabouts() throws SQLException {
        return rows("SELECT device || ' is in ' || region || ' of ' || layer FROM inside "
                + "ORDER BY device, layer, region");
    }

    private int write(String sql, Object... values) throws SQLException {
        try (var statement = database.prepareStatement(sql)) {
            for (int place = 0; place < values.length; place++) {
                statement.setObject(place + 1, values[place]);
            }
            return statement.executeUpdate();
        }
    }

    private List<String> rows(String sql, String... values) throws SQLException {
        List<String> found = new ArrayList<>();
        try (var statement = database.prepareStatement(sql)) {
            for (int place = 0; place < values.length; place++) {
                statement.setString(place + 1, values[place]);
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    found.add(row.getString(1));
                }
            }
        }
        return found;
    }

    private static String text(JsonObject change, String name) {
        return change.get(name).getAsString();
    }

    private static String region(JsonObject change, String name) {
        JsonElement place = change.get(name);
        return place.isJsonNull() ? null : text(place.getAsJsonObject(), "id");
    }

    private static String or(String region) {
        return region == null ? "-" : region;
    }

    @Override
    public void close() throws SQLException {
        database.close();
    }
}
