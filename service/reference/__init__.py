"""The reference that people read, made from the same code as the documents that programs read.

Pages in Markdown of every endpoint, topic and command, for `service.documents`.
"""
