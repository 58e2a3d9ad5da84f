"""What a mail's header says of it, read cheaply and without ever failing: the sources show it before anything is parsed."""

from tocsin.connectors.sdk import JsonObject
from tocsin.packs.email.parse_child import Problems, addresses, clean, decoded, first, header_fields

SCANNED_BYTES = 256 * 1024
FIELD_CHARS = 2048


def summary(raw: bytes) -> JsonObject:
    """Return {message_id, subject, from_address, from_name}; what is missing is an empty text."""
    fields, _ = header_fields(raw[:SCANNED_BYTES], Problems())
    sender = first(fields, "from")[:FIELD_CHARS]
    name, address = next(iter(addresses(sender)), (decoded(sender), ""))
    return {
        "message_id": clean(first(fields, "message-id")[:FIELD_CHARS]).strip("<> "),
        "subject": decoded(first(fields, "subject")[:FIELD_CHARS]),
        "from_address": address,
        "from_name": name,
    }
