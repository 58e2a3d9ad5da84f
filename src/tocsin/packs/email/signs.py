"""The lists and phrases that the indicators look for."""

import re

SHORTENERS = frozenset(
    {
        "bit.ly", "bl.ink", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "s.id", "shorturl.at",
        "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd",
    }
)  # fmt: skip
FREE_MAIL = frozenset(
    {
        "aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "live.com", "mail.ru", "outlook.com",
        "proton.me", "protonmail.com", "web.de", "yahoo.com",
    }
)  # fmt: skip
EXECUTABLE = frozenset(
    {
        "appx", "bat", "chm", "cmd", "com", "cpl", "exe", "hta", "img", "iso", "jar", "js", "jse", "lnk", "msi", "msix", "msp", "one", "pif",
        "ps1", "reg", "scf", "scr", "url", "vbe", "vbs", "vhd", "vhdx", "wsf", "wsh",
    }
)  # fmt: skip
MACRO = frozenset({"docm", "dotm", "potm", "ppam", "pptm", "sldm", "xlam", "xlsb", "xlsm", "xltm"})
PAGE = frozenset({"htm", "html", "mht", "mhtml", "shtml", "svg", "xhtml"})


def _phrases(*phrases: str) -> "re.Pattern[str]":
    return re.compile(r"\b(?:" + "|".join(phrases) + r")\b", re.I)


WORDS = {
    "urgency": _phrases(
        "urgent(?:ly)?", "immediately", r"within \d{1,2} ?(?:h|hours)", "final (?:notice|reminder)", "act now", "last chance",
        "(?:will be|has been|was) (?:suspended|locked|disabled|deactivated|closed|returned)", "expires? (?:today|soon)",
        "as soon as possible", "dringend", "umgehend", "sofort", "gesperrt", "immédiatement",
    ),
    "credentials": _phrases(
        "verify your (?:account|identity|password|mailbox)", "confirm your (?:account|identity|password|details)",
        "reset your password", "password (?:has )?expire[sd]?", "unusual sign-?in", "validate your",
        "log ?in to (?:keep|restore|avoid)", "passwort (?:bestätigen|läuft)", "konto (?:bestätigen|verifizieren)",
    ),
    "payment": _phrases(
        "(?:wire|bank) transfer", "gift cards?", "new bank (?:details|account)", "overdue invoice", "outstanding (?:invoice|balance)",
        "customs (?:fee|charge|duty)", "pay(?:ment)? (?:the|of|a|of a) (?:small )?(?:fee|charge)", "unpaid", "überweisung", "zollgebühr",
    ),
    "secrecy": _phrases("keep this (?:confidential|between us)", "do not (?:tell|discuss|call)", "strictly confidential", "can't talk"),
    "bait": _phrases("enable (?:content|editing|macros)", "makros? aktivieren"),
}  # fmt: skip
