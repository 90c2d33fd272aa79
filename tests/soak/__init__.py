"""The whole service for a long time, and started again and again under load: docs/torture.md. Not a test itself.

`__main__` is what is run; `phones` and `senders` are the load, `served` the service, `copying` and `judging` the judge.
"""
