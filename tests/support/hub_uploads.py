"""Answer the requests of an upload like the Hugging Face Hub: create, check the card, preupload, commit."""

import base64
import json
from pathlib import Path
from typing import Any

COMMIT = "c" * 40
"""Id of every uploaded commit."""


def answer_to_upload(parts: list[str], content: bytes, folder: Path, endpoint: str) -> dict[str, Any]:
    """Return the answer to a request. Write the files of a commit into the folder.

    Args:
        parts: the parts of the request's path, such as ["api", "repos", "create"].
        content: the request's content.
        folder: folder for the files; the description of a created repository becomes the file `created.json`.
        endpoint: address of the hub.
    """
    if parts == ["api", "repos", "create"]:
        (folder / "created.json").write_bytes(content)
        asked = json.loads(content)
        name = f"{asked.get('organization')}/{asked['name']}"
        return {"url": f"{endpoint}/datasets/{name}", "name": name, "id": "1"}
    if parts == ["api", "validate-yaml"]:
        return {"errors": [], "warnings": []}
    if "preupload" in parts:
        files = json.loads(content)["files"]
        return {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]}
    for line in map(json.loads, content.splitlines()):
        if line["key"] == "file":
            path = folder / "files" / line["value"]["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(line["value"]["content"]))
    return {"success": True, "commitOid": COMMIT, "commitUrl": f"{endpoint}/{'/'.join(parts[1:4])}/commit/{COMMIT}"}
