import errno
import os
from pathlib import Path

import pytest

from shapetrace.errors import UsageError
from shapetrace.writing import make_folder, write


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def no_room(self: Path, target: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_room)
    with pytest.raises(UsageError, match=r"cannot write .*: No space left on device"):
        write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_not_replaced():
    write(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="a file has this name"):
        make_folder(tmp_path / "file")
    with pytest.raises(UsageError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(UsageError, match="cannot write"):
        write(tmp_path / "file" / "below", "x")


def test_half_a_character_does_not_stop_the_writing(tmp_path):
    write(tmp_path / "a.txt", "a\ud800b")
    assert (tmp_path / "a.txt").read_bytes() == b"a?b"


@pytest.mark.parametrize("stops", [KeyboardInterrupt, MemoryError])
def test_what_comes_in_the_middle_of_writing_keeps_the_old_file(tmp_path, monkeypatch, stops):
    path, opened = tmp_path / "file", Path.open
    path.write_text("old")

    def open_and_stop(self: Path, *words: str):
        stream = opened(self, *words)
        monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("it was not written whole"))
        if ".part" in self.name:
            stream.write(b"ne")
            stream.close()
            raise stops
        return stream

    monkeypatch.setattr(Path, "open", open_and_stop)
    with pytest.raises(stops):
        write(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_told_in_one_line(tmp_path, monkeypatch, code):
    def refuses(self: Path, *_words: str):
        raise OSError(code, os.strerror(code), str(self))

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(Path, "open", refuses)
    with pytest.raises(UsageError, match=f"cannot write .*file: {os.strerror(code)}$"):
        write(tmp_path / "file", "new")
    monkeypatch.undo()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
