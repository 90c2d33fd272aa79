"""The pictures of docs/concepts, drawn by the rule itself: `python -m bench.pictures` writes them.

A module for each picture, all on the paper of `sheet` and most in the little town of `town`. Invariant: every curve,
figure and id in a picture is what the core's own functions gave; the same code gives the same bytes.
"""
