"""Pretend phones for a demonstration: who they are, where they are at any time, and what is told of them."""
