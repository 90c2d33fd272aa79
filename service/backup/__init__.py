"""Backups of an embedded home: made while it runs, looked at, put back."""
