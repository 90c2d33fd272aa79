import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Region changes from standard input into a table, for tests of your own. */
final class FromLines {
    public static void main(String[] arguments) throws Exception {
        try (Table table = Table.open();
                var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonObject event = JsonParser.parseString(line).getAsJsonObject();
                table.writing(() -> table.take(new Table.Event(
                        event.get("type").getAsString(),
                        event.get("id").getAsString(),
                        event.get("dataschema").getAsString(),
                        event.getAsJsonObject("data"),
                        0)).ifPresent(System.out::println));
            }
            table.whereabouts().forEach(System.out::println);
        }
    }

    private FromLines() {}
}
