"""OpenAPI documents: how endpoints are told of as data, and what is made of that."""
