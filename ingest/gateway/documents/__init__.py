"""The OpenAPI document of the gateway: what each endpoint takes, answers and asks for, as data.

A module for each group of endpoints has their `Operation`s; `web.documents.openapi` makes the document of them.
"""
