"""Which form of an answer a client wants: JSON, or the one sentence for the user as plain text."""

from collections.abc import Mapping, Sequence

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"


def wants_text(accept: str) -> bool:
    """Whether an Accept header prefers `text/plain` to JSON. Whoever takes either, or neither, gets JSON."""
    return _quality(accept, "text", "plain") > _quality(accept, "application", "json")


def header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The value of an ASGI scope's header, None where it is not sent, or sent more than once."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def plain_body(text: str) -> bytes:
    """The text as the body of a plain answer."""
    return text.encode("utf-8", "replace")


def key_value_lines(values: Mapping[str, str]) -> str:
    """`key=value` lines that VBA reads with `Split`; a value is on one line."""
    return "".join(f"{key}={' '.join(value.splitlines())}\r\n" for key, value in values.items())


def _quality(accept: str, kind: str, subtype: str) -> float:
    """How much a media type is wanted, 0 to 1; the most specific range that covers it decides (RFC 9110, 12.5.1)."""
    found = (-1, 0.0)
    for part in accept.split(","):
        range_, *parameters = (each.strip().lower() for each in part.split(";"))
        ranked = {f"{kind}/{subtype}": 2, f"{kind}/*": 1, "*/*": 0}.get(range_)
        if ranked is not None:
            found = max(found, (ranked, _weight(parameters)))
    return found[1]


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
