"""The log: one port (`port`), two engines (`sqlite`, `kafka`). Knows bytes, keys and partitions, not geography."""
