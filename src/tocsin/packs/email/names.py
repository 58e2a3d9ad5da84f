"""Compare host names the way people misread them."""

import re
import unicodedata

# Second levels under which names are registered in two-letter domains. Not the public suffix list: loading that costs more
# than the rest of judging a mail, and a wrong guess here moves a score by a point or two, no more.
_SECOND_LEVELS = {"co", "com", "org", "net", "gov", "gob", "gouv", "ac", "edu", "or", "ne", "go", "govt", "gv", "nom", "mil"}
_LOOKALIKE = str.maketrans({"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "|": "l", "i": "l"})
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}\Z")


def is_host(text: str) -> bool:
    """Say whether a text is a dotted host name."""
    return len(text) <= 253 and bool(_HOST.match(text.lower())) and not text.rpartition(".")[2].isdigit()


def registered(host: str) -> str:
    """Return the part of a host name that somebody registers."""
    labels = host.lower().rstrip(".").split(".")
    long = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3 if long else -2 :])


def readable(host: str) -> str:
    """Return a host with its punycode labels decoded."""
    labels = []
    for label in host.lower().split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") and len(label) <= 63 else label)
        except (ValueError, UnicodeError):
            labels.append(label)
    return ".".join(labels)


def skeleton(name: str) -> str:
    """Return what a name looks like at a glance."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(char))
    plain = plain.translate(_CYRILLIC_GREEK).replace("rn", "m").replace("vv", "w").replace("cl", "d")
    return plain.translate(_LOOKALIKE)


_CYRILLIC_GREEK = str.maketrans("авекмнорстухѕіјԁԛԝοαερτυνικ", "abekmhopctyxsijdqwoaeptuvik")


def looks_like(host: str, known: str) -> bool:
    """Say whether a host imitates a known domain without being under it."""
    ours, theirs = registered(known), registered(readable(host))
    if not ours or registered(host) == ours:
        return False
    name, other = ours.partition(".")[0], theirs.partition(".")[0]
    if len(name) < 5:
        return False
    if skeleton(name) == skeleton(other):
        return True  # rnicrosoft, micr0soft, and the right name under another top level
    if abs(len(name) - len(other)) <= 1 and _one_apart(name, other):
        return True
    # northwind-login.test and northwind.example.evil.test; northwind.saas.test is how honest services name their customers.
    return name in other.split("-") or ours in host.lower()


def _one_apart(one: str, two: str) -> bool:
    """Say whether two names differ by one letter added, left out, changed, or by two swapped."""
    if len(one) > len(two):
        one, two = two, one
    same = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), len(one))
    if len(one) < len(two):
        return one[same:] == two[same + 1 :]
    swapped = one[same : same + 2] == two[same : same + 2][::-1] and one[same + 2 :] == two[same + 2 :]
    return one[same + 1 :] == two[same + 1 :] or swapped
