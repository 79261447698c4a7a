"""The dataset's source: pinned, hashed, downloaded whole or not at all, never substituted."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recipe_mpr_task import data
from recipe_mpr_task.dataset_stats import fact_sheet
from recipe_mpr_task.errors import DataError
from recipe_mpr_task.files import sha256_of, write_atomic
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED
from recipe_mpr_task.orders import display


class _Server:
    """Serves one content on loopback, at a pace, and counts requests."""

    def __init__(self, content: bytes, *, pause: float = 0, status: int = 200) -> None:
        server = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests += 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                half = len(content) // 2
                self.wfile.write(content[:half])
                self.wfile.flush()
                time.sleep(pause)
                self.wfile.write(content[half:])

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv(data.DATA_VARIABLE, raising=False)
    monkeypatch.setenv(data.CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_download_is_checked_and_cached(cache, monkeypatch):
    server = _Server(b"[1]")
    monkeypatch.setattr(data, "URL_FOLDER", server.url)
    monkeypatch.setattr(data, "SHA256", sha256_of(b"[1]"))
    assert data.fetch().origin == "download"
    assert data.fetch() == data.Source(data.cache_path(), "cache")
    assert data.cache_path().read_bytes() == b"[1]"
    assert server.requests == 1


@pytest.mark.parametrize("status", [200, 503])
def test_wrong_or_refused_download_leaves_nothing_and_names_the_remedies(cache, monkeypatch, status):
    server = _Server(b"altered", status=status)
    monkeypatch.setattr(data, "URL_FOLDER", server.url)
    monkeypatch.setattr(data, "RETRIES", 1)
    with pytest.raises(DataError, match=r"data fetch.*RECIPE_MPR_DATA.*recipe_mpr_sample"):
        data.fetch()
    assert server.requests == 2, "one retry"
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.integration
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_download_leaves_no_half_file(cache, how):
    server = _Server(b"x" * 100_000, pause=60)
    code = f"from recipe_mpr_task import data; data.URL_FOLDER = {server.url!r}; data.fetch()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.requests
    process.send_signal(how)
    process.wait(timeout=30)
    assert not list(cache.rglob(data.FILE_NAME))


def test_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    write_atomic(path, "old")
    with pytest.raises(TypeError):
        write_atomic(path, 7)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_named_file_of_another_content_is_refused(tmp_path, monkeypatch):
    records = json.loads(Path(data.__file__).with_name("sample.json").read_text())
    other = tmp_path / "500QA.json"
    other.write_text(json.dumps(records))
    monkeypatch.setenv(data.DATA_VARIABLE, str(other))
    with pytest.raises(DataError, match=r"wrong hash.*expected ab61f4200e9c"):
        data.load_items()


def test_missing_named_file_never_falls_back(tmp_path, monkeypatch):
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path / "none.json"))
    with pytest.raises(DataError, match="No such file"):
        data.load_items()


def test_a_test_without_the_mark_has_no_dataset(monkeypatch):
    """A test that reads the dataset without the mark fails on every machine, even on one with the dataset."""
    monkeypatch.setattr(data, "RETRIES", 0)
    assert data.local_source() is None
    with pytest.raises(DataError, match="its download failed"):
        data.load_items()


@pytest.mark.real_data
def test_a_test_with_the_mark_has_it():
    assert data.read_pinned(data.fetch())


@pytest.mark.real_data
def test_pinned_facts_and_committed_fact_sheet():
    items = data.load_items()
    assert len(items) == data.N_ITEMS
    assert all(item.options[0].recipe_id == item.gold for item in items), "the trap this project exists for"
    sheet = fact_sheet()
    assert sheet == json.loads(Path(data.__file__).with_name("dataset_stats.json").read_text())
    assert sheet["types"] == {
        "Specific": 151, "Commonsense": 268, "Negated": 109, "Analogical": 30, "Temporal": 32, "Untyped": 110,
    }  # fmt: skip
    assert sheet["items_with_two_or_more_types"] == 163
    assert sheet["recipe_ids"] == {
        "options": 2500, "distinct": 1834, "in_two_or_more_items": 458, "gold_here_distractor_elsewhere": 137,
    }  # fmt: skip


def test_sample_is_as_designed():
    items = data.load_sample()
    assert len(items) == 60
    assert len({item.query for item in items}) == 60
    counts = {name: sum(name in item.query_types for item in items) for name in QUERY_TYPES}
    assert min(counts.values()) >= 12
    assert sum(not item.query_types for item in items) == 8, UNTYPED
    letters = [display(item, "shuffled").gold_letter for item in items]
    assert {letter: letters.count(letter) for letter in "ABCDE"} == dict.fromkeys("ABCDE", 12)


@pytest.mark.integration
def test_killed_file_write_leaves_the_old_content_and_no_half_file_that_a_reader_would_take(tmp_path):
    path = tmp_path / "board.json"
    path.write_text("old")
    code = (
        "import os, pathlib, signal; from recipe_mpr_task import files;"
        "files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL);"
        f"files.write_atomic(pathlib.Path({str(path)!r}), 'new' * 10000)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.rglob("*.json")] == ["board.json"], "no half file under another name either"
    assert [p.name for p in tmp_path.glob("[!.]*")] == ["board.json"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_written_file_is_readable_as_far_as_the_umask_allows(tmp_path, umask):
    path, before = tmp_path / "new" / "x.json", os.umask(umask)
    try:
        write_atomic(path, "é")
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == ("é".encode(), 0o644 & ~umask)
    assert list(path.parent.iterdir()) == [path]
