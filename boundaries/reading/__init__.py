"""A region file becomes features: formats, coordinate systems, encodings, attributes. Nothing is mended on the way."""
