"""What must not leave the machine in a page: folders of its file system, passwords in addresses and settings."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

FOLDERS = re.compile(r"(?<![\w:/.~…-])~?/(?:[^\s/:'\"<>,;()]+/)+")
"""The folders of an absolute path; its last part stays."""

LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
SECRET = re.compile(r"(?i)\b([\w-]*(?:secret|password|passwd|access[_-]?key|api[_-]?key)[\w-]*\s*[=:]\s*)\S+")


def scrubbed(value: Any) -> Any:
    """A text without them; anything else, and what is markup already, as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return SECRET.sub(r"\1…", LOGIN.sub("", FOLDERS.sub("…/", value)))
