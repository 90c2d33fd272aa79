"""What HTTP endpoints share, whoever owns them: who is let in, how bodies are read, how errors are told, documents."""
