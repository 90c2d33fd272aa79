"""Ids, names and letters."""

from .case import Expected, Json, case, feature, file, polygon, square


def _named(id: str | None, name: str = "") -> Json:  # noqa: A002
    return file(feature("a", polygon(square(10, 50))), feature(id, polygon(square(10.1, 50)), name))


@case(Expected("id_missing", None, 10.1, 50))
def id_missing() -> Json:
    """A feature has no id."""
    return _named(None)


@case(Expected("id_missing", None, 10.1, 50))
def id_blank() -> Json:
    """The id of a feature is a blank."""
    return _named(" ")


@case(Expected("id_missing", many=2))
def ids_missing() -> Json:
    """No feature has an id."""
    return file(feature(None, polygon(square(10, 50))), feature(None, polygon(square(10.1, 50))))


@case(Expected("id_repeated", None, 10.1, 50))
def id_repeated() -> Json:
    """Two features have the same id."""
    return _named("a")


@case(Expected("id_repeated", many=2))
def id_three_times() -> Json:
    """Three features have the same id."""
    return file(*(feature("a", polygon(square(10 + step, 50))) for step in (0, 0.1, 0.2)))


@case(Expected("id_unusable", None, 10.1, 50))
def id_too_long() -> Json:
    """An id has 257 bytes."""
    return _named("i" * 257)


@case(Expected("id_unusable", None, 10.1, 50))
def id_with_line_break() -> Json:
    """An id has a line break in it."""
    return _named("b\nc")


@case(Expected("name_too_long", "b", 10.1, 50))
def name_too_long() -> Json:
    """A name has 1026 bytes."""
    return _named("b", "ü" * 513)


@case(Expected("text_garbled", "b", 10.1, 50))
def name_read_as_latin() -> Json:
    """A name was UTF-8 and read as Latin-1."""
    return _named("b", "München".encode().decode("latin-1"))


@case(Expected("text_garbled", "b", 10.1, 50))
def name_read_as_windows() -> Json:
    """A name was UTF-8 and read as Windows-1252."""
    return _named("b", "L’Haÿ-les-Roses".encode().decode("cp1252"))


@case(Expected("text_garbled", "b", 10.1, 50))
def name_read_as_dos() -> Json:
    """A name was UTF-8 and read as code page 850."""
    return _named("b", "Köln".encode().decode("cp850"))


@case(Expected("text_garbled", "b", 10.1, 50))
def name_with_replacement() -> Json:
    """A letter of a name became U+FFFD."""
    return _named("b", "M\ufffdnchen")


@case(Expected("text_garbled", "b", 10.1, 50))
def name_with_question_mark() -> Json:
    """A letter of a name became a question mark."""
    return _named("b", "M?nchen")


@case(Expected("text_garbled", "KÃ¶ln", 10.1, 50))
def id_garbled() -> Json:
    """An id was UTF-8 and read as Latin-1."""
    return _named("KÃ¶ln", "Köln")


@case()
def names_of_all_alphabets() -> Json:
    """Clean: names with letters of every kind."""
    names = ("São Tomé", "Łódź", "Ελλάδα", "Россия", "日本", "Ñuñoa", "Åland?", "Què?", "İzmir", "JOÃO", "Â")
    return file(*(feature(f"n{at}", polygon(square(10 + at / 10, 50)), name) for at, name in enumerate(names)))
