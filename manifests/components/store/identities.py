"""Keys for the store's identities, where an overlay has none yet: python identities.py OVERLAY_FOLDER

Into OVERLAY_FOLDER/secrets go one file an identity, for its Secret, and what SeaweedFS reads. Keys that are there
stay as they are, so that the next deployment changes nothing.
"""

import json
import os
import secrets
import sys
from pathlib import Path

RIGHTS = {
    "admin": ["Admin"],
    "collect": ["Read:seedbed", "List:seedbed", "Write:seedbed"],
    "trial": ["Read:seedbed", "List:seedbed", "Write:seedbed"],
    "reader": ["Read:seedbed", "List:seedbed"],
}
"""What an identity may do; policy.json takes from it."""


def credentials(file: Path) -> dict[str, str]:
    """An identity's keys: those in its file, or new ones, which it then holds."""
    if not file.exists():
        access, secret = secrets.token_hex(10), secrets.token_urlsafe(30)
        write(file, f"AWS_ACCESS_KEY_ID={access}\nAWS_SECRET_ACCESS_KEY={secret}\n")
    keys = dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())
    return {"accessKey": keys["AWS_ACCESS_KEY_ID"], "secretKey": keys["AWS_SECRET_ACCESS_KEY"]}


def write(file: Path, text: str) -> None:
    """For the eyes of this user only."""
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as stream:
        stream.write(text)


def main(folder: Path) -> None:
    """Every identity's file, and the store's."""
    folder.mkdir(exist_ok=True)
    identities = [
        {"name": name, "credentials": [credentials(folder / f"{name}.env")], "actions": actions}
        for name, actions in RIGHTS.items()
    ]
    write(folder / "identities.json", json.dumps({"identities": identities}, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "secrets")
