"""Run a hub on this machine, with the part of the Hugging Face Hub's API that loading, `verify` and uploads need.

In this module, the id of a dataset repository starts with "datasets/".
"""

import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from recipe_mpr_task.files import sha256_of_file
from recipe_mpr_task.public_models import PublicModel
from tests.support.hub_uploads import answer_to_upload

_SITE = """\
from recipe_mpr_task import public_models
_listed = tuple(public_models.PublicModel(**entry) for entry in {0!r})
public_models.entries = lambda: _listed
"""
_LFS = (".safetensors", ".bin", ".gguf", ".onnx")


class FakeHub:
    """Serve local folders as repositories on a loopback port, and accept uploads. Use this class as a context manager.

    Files with an ending in `_LFS` are listed with a SHA-256, as the hub lists files in LFS. Other files are listed with
    a git blob id.
    """

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, Path]] = {}
        """Repository id -> commit -> folder. Each request reads the folder again."""
        self.refs: dict[str, dict[str, str]] = {}
        """Repository id -> branch or tag -> commit."""
        self.requests: list[str] = []
        """Method and path of each request, in order."""
        self.uploads: Path | None = None
        """Folder for the files of uploaded commits. None refuses uploads, as the hub does without a token."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, repo: str, folder: Path, commit: str, *refs: str) -> None:
        """Serve `folder` as `repo` at `commit`, and as each of `refs` ("main" if none is given)."""
        self.commits.setdefault(repo, {})[commit] = folder
        self.refs.setdefault(repo, {}).update(dict.fromkeys(refs or ("main",), commit))

    def environment(self, home: Path, *listed: PublicModel) -> dict[str, str]:
        """Return environment variables with which a subprocess and its children use this hub.

        Args:
            home: folder of the subprocess's hub cache.
            listed: entries that `public_models.entries` returns in the subprocess; without entries, its real list.
        """
        variables = {
            "HF_ENDPOINT": self.endpoint, "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HOME": str(home),
            "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
        }  # fmt: skip
        if listed:
            site = home / "site"
            site.mkdir(parents=True, exist_ok=True)
            # Python runs this file at its start, so children of the subprocess also have the list.
            (site / "sitecustomize.py").write_text(_SITE.format([entry.model_dump() for entry in listed]))
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        return variables

    def use_in_process(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        """Make huggingface_hub in this process go online and use this hub, with its cache in `home`."""
        from huggingface_hub import constants

        template = self.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        for name, value in {
            "HF_HUB_OFFLINE": False, "ENDPOINT": self.endpoint, "HUGGINGFACE_CO_URL_TEMPLATE": template,
            "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_DISABLE_XET": True,
        }.items():  # fmt: skip
            monkeypatch.setattr(constants, name, value)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port, so that later requests are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def commit_of(self, repo: str, revision: str) -> str | None:
        """Return the full commit of a branch, tag, commit or shortened commit; None if there is none."""
        revision = self.refs.get(repo, {}).get(revision, revision)
        matching = [commit for commit in self.commits.get(repo, {}) if commit.startswith(revision)]
        return matching[0] if len(matching) == 1 and len(revision) >= 7 else None


def hashes_of(folder: Path, *without: str) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, keyed by relative path. Leave out files named in `without`."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in without)
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in paths}


def public_model(repo: str, commit: str, folder: Path) -> PublicModel:
    """Return the entry of a public model that lists every file of `folder` for `commit`."""
    return PublicModel(
        id=repo, revision=commit, licence="MIT", source="a test", files=hashes_of(folder), files_source="a test"
    )


def blob_id(content: bytes) -> str:
    """Return the object id that git gives to a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self._parts()
        if parts[:2] == ["api", "datasets"] and parts[4:5] == ["paths-info"]:
            self._paths_info(f"datasets/{parts[2]}/{parts[3]}", parts[5], parse_qs(content.decode())["paths"])
        elif self.hub.uploads is None:
            self._send(401, b'{"error": "Invalid credentials"}', {"Content-Type": "application/json"})
        else:
            self._json(answer_to_upload(parts, content, self.hub.uploads, self.hub.endpoint))

    def _parts(self) -> list[str]:
        self.hub.requests.append(f"{self.command} {self.path}")
        return unquote(urlsplit(self.path).path).strip("/").split("/")

    def _answer(self) -> None:
        parts = self._parts()
        kind = "datasets/" if "datasets" in parts[:2] else ""
        if parts[0] == "datasets":
            parts = parts[1:]
        if parts[0] == "api" and parts[1] in ("models", "datasets") and len(parts) >= 4:
            self._api(kind + "/".join(parts[2:4]), parts[4:])
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._file(kind + "/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._missing("RepoNotFound")

    def _paths_info(self, repo: str, revision: str, paths: list[str]) -> None:
        commit = self.hub.commit_of(repo, revision)
        if commit is None:
            return self._missing("RepoNotFound")
        listed = _listed(self.hub.commits[repo][commit])
        return self._json([entry for entry in listed if entry["path"] in paths])

    def _api(self, repo: str, rest: list[str]) -> None:
        if repo not in self.hub.commits:
            return self._missing("RepoNotFound")
        what, revision = (rest[0], "/".join(rest[1:2])) if len(rest) >= 2 else ("revision", "main")
        commit = self.hub.commit_of(repo, revision)
        if commit is None:
            return self._missing("RevisionNotFound")
        listed = _listed(self.hub.commits[repo][commit])
        if what == "revision":
            return self._json({"id": repo, "modelId": repo, "sha": commit, "siblings": [_sibling(e) for e in listed]})
        if what != "tree":
            return self._missing("EntryNotFound")
        under = "/".join(rest[2:])
        inside = [entry for entry in listed if not under or entry["path"].startswith(f"{under}/")]
        if "recursive=false" in self.path:
            inside = _directly(inside, f"{under}/" if under else "")
        return self._json(inside) if inside else self._missing("EntryNotFound")

    def _file(self, repo: str, revision: str, name: str) -> None:
        commit = self.hub.commit_of(repo, revision)
        if commit is None:
            return self._missing("RevisionNotFound" if repo in self.hub.commits else "RepoNotFound")
        path = self.hub.commits[repo][commit] / name
        if not path.is_file():
            return self._missing("EntryNotFound", commit)
        content = path.read_bytes()
        etag = hashlib.sha256(content).hexdigest() if name.endswith(_LFS) else blob_id(content)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Content-Type": "application/octet-stream"}
        if name.endswith(_LFS):
            headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        return self._send(200, content, headers)

    def _json(self, answer: Any) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _missing(self, code: str, commit: str = "") -> None:
        body = json.dumps({"error": code}).encode()
        headers = {"X-Error-Code": code, "X-Error-Message": code, "Content-Type": "application/json"}
        self._send(404, body, headers | ({"X-Repo-Commit": commit} if commit else {}))

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _listed(folder: Path) -> list[dict[str, Any]]:
    entries = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        entry = {"type": "file", "path": name, "size": len(content), "oid": blob_id(content)}
        if name.endswith(_LFS):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        entries.append(entry)
    return entries


def _directly(entries: list[dict[str, Any]], folder: str) -> list[dict[str, Any]]:
    """Return the entries directly in a folder: files, and then folders."""
    names = {entry["path"].removeprefix(folder).split("/")[0] for entry in entries}
    files = [entry for entry in entries if entry["path"].removeprefix(folder) in names]
    folders = sorted(names - {entry["path"].removeprefix(folder) for entry in files})
    return files + [{"type": "directory", "path": folder + name, "oid": "d" * 40, "size": 0} for name in folders]


def _sibling(entry: dict[str, Any]) -> dict[str, Any]:
    sibling = {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
    if "lfs" in entry:
        sibling["lfs"] = {"sha256": entry["lfs"]["oid"], "size": entry["size"], "pointerSize": 134}
    return sibling
