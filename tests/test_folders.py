"""Folders of a disk; those of an object store are tested with the engine, against a server."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cryoscale.errors import RESUME, ConfigError, InputError, MissingExtraError, ResourceError
from cryoscale.folders import (
    files_below,
    folder_at,
    is_remote,
    location_of,
    move_into_place,
    place_to_build,
    remove,
    require_writable,
    writing,
)


def test_paths_stay_paths(tmp_path):
    assert folder_at(str(tmp_path)) == tmp_path
    assert folder_at(tmp_path) is tmp_path
    assert location_of(tmp_path) is tmp_path
    assert not is_remote(tmp_path)


@pytest.mark.parametrize("url", ["gs://bucket/x", "https://host/x", "://x"])
def test_urls_of_other_stores_are_refused(url):
    with pytest.raises(ConfigError, match="Give a path, or s3://bucket/prefix"):
        folder_at(url)


def test_files_are_listed_with_their_sizes_in_order(tmp_path):
    for name, size in (("b/c/0", 3), ("a", 1), ("b/zarr.json", 2)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    assert list(files_below(tmp_path).items()) == [("a", 1), ("b/c/0", 3), ("b/zarr.json", 2)]
    assert files_below(tmp_path / "absent") == {}


def test_what_was_built_replaces_what_was_there(tmp_path: Path):
    store = tmp_path / "new/folder/a.zarr"
    for content in ("first", "second"):
        built = place_to_build(store)
        assert not built.exists()
        assert built.parent.exists()
        built.mkdir()
        (built / content).write_text(content)
        move_into_place(built, store)
        assert files_below(store) == {content: len(content)}
        assert not built.exists()


def test_what_a_crash_left_is_not_built_upon(tmp_path):
    store = tmp_path / "a.zarr"
    place_to_build(store).mkdir()
    (place_to_build(store).parent / "a.zarr.creating").mkdir()
    assert not place_to_build(store).exists()


def test_removing_what_is_not_there_is_no_error(tmp_path):
    remove(tmp_path / "absent")
    (tmp_path / "there").mkdir()
    remove(tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (errno.ENOSPC, f"No space is left on its disk. Make room there. {RESUME}"),
        (errno.EDQUOT, f"Your quota of its disk is used up. Make room there, or have it raised. {RESUME}"),
        (errno.EACCES, "Permission is denied."),
        (errno.EROFS, "Its disk can only be read. Name a place on another."),
    ],
)
def test_what_a_disk_refuses_is_said_with_what_to_do(tmp_path, kind, advice):
    with pytest.raises(ResourceError) as raised, writing(tmp_path / "a.zarr"):
        raise OSError(kind, "reason")
    assert str(raised.value).startswith(f"{tmp_path}/a.zarr: {advice}")
    with pytest.raises(ResourceError, match=f"^{tmp_path}/b.tif: "), writing(tmp_path / "a.zarr"):
        raise OSError(kind, "reason", str(tmp_path / "b.tif"))


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError
    with pytest.raises(InputError), writing(tmp_path):
        raise InputError("ours")
    with pytest.raises(FileNotFoundError), writing(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "reason")


def test_any_error_on_a_full_disk_is_taken_for_that(full_disk):
    with pytest.raises(ResourceError, match="No space is left"), writing(full_disk / "a.tif"):
        raise SystemError("Unknown GDAL error")


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    require_writable(tmp_path / "new/folder")
    for folder in (tmp_path / "file", tmp_path / "file/results"):
        with pytest.raises(ResourceError, match=f"^{tmp_path}/file: A file is where a folder should be"):
            require_writable(folder)


def test_an_object_store_without_credentials(tmp_path):
    """In a process of its own: file systems of other tests, which have credentials, are kept by fsspec."""
    program = """
from cryoscale.folders import folder_at, reaching
store = folder_at("s3://bucket-of-nobody/a.zarr")
with reaching(store):
    store.exists()
"""
    nobody = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nothing is asked of it before there are credentials
    }
    ended = subprocess.run([sys.executable, "-c", program], env=nobody, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "cannot be used (Unable to locate credentials). AWS_ACCESS_KEY_ID and" in ended.stderr


def test_the_library_of_object_stores_is_missed_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"s3://a/b: needs s3fs .*pip install 'cryoscale\[s3\]'"):
        folder_at("s3://a/b")
