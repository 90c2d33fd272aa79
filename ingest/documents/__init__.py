"""Documents of what goes in and out: JSON Schemas of the topics' values, AsyncAPI of the log; made from the types."""
