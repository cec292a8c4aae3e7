"""Folders of a disk; those of an object store are tested with the engine, against a server."""

from pathlib import Path

import pytest

from cryoscale.errors import ConfigError
from cryoscale.folders import (
    files_below,
    folder_at,
    is_remote,
    location_of,
    move_into_place,
    place_to_build,
    remove,
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
