"""From the log to the log: the worker, what it reads and writes, and the control records that it obeys."""
