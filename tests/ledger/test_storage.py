"""What a disk, an old version, a newer version or a stranger can do to the file."""

import random
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import apsw
import pytest

from assent.ledger import Ledger, LedgerDamaged, LedgerError, LedgerFull, LedgerNewer, LedgerReadOnly, LedgerRemote
from assent.ledger.filesystem import refuse_network
from assent.ledger.migrations import Migration, migrate, shipped, stored_schema
from tests.ledger.support import NO_PRIVILEGES, OPEN, act, ask, small_ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


def sql(path, statement, bindings=()):
    connection = apsw.Connection(str(path))
    connection.execute(statement, bindings)
    connection.close()


def test_the_settings_are_what_durability_needs(path):
    with Ledger.open(path) as ledger:
        settings = {name: ledger._connection.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_setting_that_does_not_hold_is_refused(path, monkeypatch):
    from assent.ledger import connection

    monkeypatch.setattr(connection, "_turn_on_wal", lambda *_: None)
    with pytest.raises(LedgerError, match="keeps journal_mode at 'delete'"):
        Ledger.open(path)


def test_an_old_sqlite_is_refused(path, monkeypatch):
    from assent.ledger import connection

    monkeypatch.setattr(connection.apsw, "sqlite_lib_version", lambda: "3.51.2")
    with pytest.raises(LedgerError, match=r"SQLite 3\.51\.2 can damage"):
        Ledger.open(path)


def test_a_group_is_at_least_one(path):
    with pytest.raises(LedgerError, match="group is 0"):
        Ledger.open(path, group=0)


# -- full disks -------------------------------------------------------------------------------------------------------


def fill(ledger, limit=4000):
    """Acts until the disk refuses; how many were acknowledged."""
    for step in range(limit):
        try:
            ledger.append("demo", "act", act(step))
        except LedgerFull:
            return step
    pytest.fail("the disk never filled")


def check_after_room(ledger, written):
    ledger.append("demo", "act", act(written))  # usable again, and the refused one was not kept
    assert [event.body["step"] for event in ledger.events("demo", kinds=["act"])] == list(range(written + 1))
    assert ledger.verify().ok


def test_a_full_database_loses_nothing_acknowledged(path):
    with Ledger.open(path) as ledger:
        ledger.open_run("demo", OPEN)
        question = ledger.ask("demo", ask("demo", 10_000))
        connection = ledger._connection
        connection.pragma("max_page_count", connection.pragma("page_count") + 3)
        written = fill(ledger)
        assert written > 0
        assert ledger.verify().ok
        connection.pragma("max_page_count", 1_000_000)
        check_after_room(ledger, written)
        assert ledger.answer(question.id, 1, actor="ann", digest=question.digest).first


def test_an_answer_that_found_no_room_can_be_given_again(path):
    with Ledger.open(path) as ledger:
        ledger.open_run("demo", OPEN)
        question = ledger.ask("demo", ask("demo", 10_000))
        connection = ledger._connection
        connection.pragma("max_page_count", connection.pragma("page_count"))
        with pytest.raises(LedgerFull, match=r"recorded nothing\. Make room"):
            ledger.volunteer("demo", 0, 1, actor="ann", note="x" * 50_000)
        fill(ledger)
        with pytest.raises(LedgerFull):
            ledger.answer(question.id, 1, actor="a" * 200, digest=question.digest, idem="i" * 200)
        assert ledger.question(question.id).state == "open"
        connection.pragma("max_page_count", 1_000_000)
        assert ledger.answer(question.id, 1, actor="a" * 200, digest=question.digest, idem="i" * 200).first
        assert ledger.verify().ok


def test_the_buffer_outlives_a_full_disk(path):
    with Ledger.open(path, group=50) as ledger:
        ledger.open_run("demo", OPEN)
        connection = ledger._connection
        connection.pragma("max_page_count", connection.pragma("page_count"))
        accepted = []
        for step in range(500):
            try:
                ledger.append("demo", "act", act(step))
                accepted.append(step)
            except LedgerFull:
                break
        with pytest.raises(LedgerFull):
            ledger.flush()
        connection.pragma("max_page_count", 1_000_000)
        ledger.flush()
        assert [event.body["step"] for event in ledger.events("demo", kinds=["act"])] == accepted
        assert ledger.verify().ok


def test_a_file_size_limit_loses_nothing_acknowledged(path):
    """The write-ahead log reaches RLIMIT_FSIZE (EFBIG), and the limit goes away again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger.open(path) as ledger:
        ledger.open_run("demo", OPEN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            written = fill(ledger)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert written > 0
        check_after_room(ledger, written)
    with Ledger.open(path) as ledger:
        assert ledger.verify().ok


# -- files that are not what they should be ---------------------------------------------------------------------------


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(LedgerError, match="no folder"):
        Ledger.open(tmp_path / "none" / "a.db")


def test_a_file_that_is_not_there_cannot_be_read(path):
    with pytest.raises(LedgerError, match="no ledger"):
        Ledger.open(path, read_only=True)
    assert not path.exists()


def test_a_file_that_is_no_database(path):
    path.write_bytes(b"not a database, but a rather long text" * 100)
    with pytest.raises(LedgerDamaged, match="damaged or no ledger"):
        Ledger.open(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_of_somebody_else(path):
    sql(path, "CREATE TABLE songs(title)")
    with pytest.raises(LedgerDamaged, match="no ledger: it has the tables songs"):
        Ledger.open(path)


def test_a_cut_file(path):
    small_ledger(path).close()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert is_found(path)


def test_a_file_that_may_not_be_written(tmp_path):
    path = tmp_path / "a.db"
    small_ledger(path).close()
    path.chmod(0o444)
    program = """
        import sys
        from assent.ledger import Ledger, LedgerReadOnly
        try:
            Ledger.open(sys.argv[1])
        except LedgerReadOnly as error:
            sys.exit(0 if "who may write" in str(error) else 2)
        sys.exit(1)
    """
    command = [*NO_PRIVILEGES, sys.executable, "-c", textwrap.dedent(program), str(path)]
    before = {path: path.read_bytes()}
    assert subprocess.run(command, check=False).returncode == 0
    path.chmod(0o644)
    tmp_path.chmod(0o555)  # the file may be written, but no log beside it
    assert subprocess.run(command, check=False).returncode == 0
    tmp_path.chmod(0o755)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_refused_file_is_not_changed(path):
    sql(path, "CREATE TABLE somebody_elses(x)")
    before = path.read_bytes()
    with pytest.raises(LedgerDamaged, match="no ledger"):
        Ledger.open(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == {path: before}
    path.unlink()
    small_ledger(path).close()
    sql(path, "PRAGMA journal_mode = delete")
    sql(path, "INSERT INTO migration VALUES(?, 'later', ?, 0)", (len(shipped()) + 1, "0" * 64))
    before = path.read_bytes()
    with pytest.raises(LedgerNewer, match="Nothing was changed"):
        Ledger.open(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == {path: before}


def test_a_flipped_bit_in_an_event_is_found(tmp_path):
    """Every bit of a body, a hash, an actor, a kind. Flipped in all copies, for pages keep stale bytes of moved rows."""
    path = tmp_path / "a.db"
    small_ledger(path).close()
    whole = path.read_bytes()
    connection = apsw.Connection(str(path))
    rows = list(connection.execute("SELECT body, hash, prev, kind || actor FROM event"))
    connection.close()
    parts = [part.encode() if isinstance(part, str) else part for row in rows for part in row]
    draw = random.Random(20)
    for _ in range(100):
        part = draw.choice(parts)
        flipped = bytearray(part)
        flipped[draw.randrange(len(part))] ^= 1 << draw.randrange(8)
        path.write_bytes(whole.replace(part, flipped))
        assert whole.count(part)
        assert is_found(path), f"{part!r} as {bytes(flipped)!r}"


def test_a_flipped_byte_anywhere_is_found_or_means_nothing(tmp_path):
    """Anywhere in the file. Not found are bytes that nothing reads: free space in pages, some header fields. Then every
    event must read as it was."""
    path = tmp_path / "a.db"
    small_ledger(path).close()
    with Ledger.open(path) as ledger:
        events = list(ledger.events("demo"))
    whole = path.read_bytes()
    draw = random.Random(21)
    found = 0
    for _ in range(100):
        forged = bytearray(whole)
        forged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(forged)
        if is_found(path):
            found += 1
            continue
        with Ledger.open(path) as ledger:
            assert list(ledger.events("demo")) == events
    assert found > 10


def is_found(path):
    try:
        with Ledger.open(path) as ledger:
            return not ledger.verify().ok
    except LedgerError:
        return True
    finally:
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


# -- schemas ----------------------------------------------------------------------------------------------------------

LAST = len(shipped())
NEXT = Migration(LAST + 1, "notes", "CREATE TABLE note(text TEXT) STRICT;")


def bring(path, migrations, now_us=lambda: 5):
    connection = apsw.Connection(str(path))
    try:
        return migrate(connection, str(path), now_us=now_us, migrations=migrations)
    finally:
        connection.close()


def test_a_newer_schema_is_refused_and_left_alone(path):
    small_ledger(path).close()
    sql(path, "INSERT INTO migration VALUES(?, 'from the future', ?, 0)", (LAST + 1, "f" * 64))
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(LedgerNewer, match=f"has schema {LAST + 1}; this version of assent knows schema {LAST}"):
            Ledger.open(path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_migration_with_another_text_is_refused(path):
    small_ledger(path).close()
    sql(path, "UPDATE migration SET checksum = ? WHERE number = 1", ("0" * 64,))
    with pytest.raises(LedgerDamaged, match=r"migration 1 \(initial\) with checksum 00000000"):
        Ledger.open(path)


def test_migrations_with_gaps_are_refused(path):
    small_ledger(path).close()
    sql(path, "UPDATE migration SET number = 0 WHERE number = 1")
    with pytest.raises(LedgerDamaged, match="with gaps"):
        Ledger.open(path)


def test_the_shipped_migrations_are_numbered_without_gaps():
    assert [step.number for step in shipped()] == list(range(1, len(shipped()) + 1))


def test_an_older_file_is_copied_aside_and_brought_up(path):
    small_ledger(path).close()
    aside = Path(f"{path}.schema{LAST}")
    assert bring(path, (*shipped(), NEXT)) == aside
    with Ledger.open(aside) as copy:
        assert copy.verify().ok
    connection = apsw.Connection(str(path))
    assert "note" in stored_schema(connection)
    found = list(connection.execute("SELECT number, at_us FROM migration"))
    assert found[-1] == (LAST + 1, 5)
    assert all(at_us == 1_700_000_000_000_000 for _, at_us in found[:-1])
    connection.close()
    assert bring(path, (*shipped(), NEXT)) is None
    with pytest.raises(LedgerNewer):
        Ledger.open(path)


def test_a_file_of_the_first_schema_keeps_every_event_and_takes_requests(path, monkeypatch):
    from assent.ledger import sqlite

    with monkeypatch.context() as first:
        first.setattr(sqlite, "shipped", lambda: shipped()[:1])
        ledger = small_ledger(path)
        run = ledger.runs()[0].id
        before = list(ledger.events(run))
        with pytest.raises(LedgerError, match="CHECK constraint"):
            ledger.append(run, "request", {"step": 0, "about": None})
        ledger.close()
    with Ledger.open(path) as ledger:
        assert list(ledger.events(run)) == before
        ledger.append(run, "request", {"step": 0, "about": None})
        ledger.flush()
        assert [event.kind for event in ledger.events(run)][-1] == "request"
        assert ledger.verify().ok
    assert Path(f"{path}.schema1").exists()
    for statement in ("UPDATE event SET actor = 'x'", "DELETE FROM event"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            sql(path, statement)


def test_a_migration_that_fails_changes_nothing(path):
    small_ledger(path).close()
    broken = Migration(LAST + 2, "broken", "CREATE TABLE third(x); SELECT no_such_function();")
    with pytest.raises(apsw.SQLError):
        bring(path, (*shipped(), NEXT, broken))
    with Ledger.open(path) as ledger:
        assert ledger.verify().ok
    with pytest.raises(LedgerError, match="is there already"):
        bring(path, (*shipped(), NEXT))  # the copy of the first attempt is never overwritten


def test_an_older_file_cannot_be_opened_for_reading_only(path, monkeypatch):
    from assent.ledger import sqlite

    small_ledger(path).close()
    monkeypatch.setattr(sqlite, "shipped", lambda: (*shipped(), NEXT))
    with pytest.raises(LedgerReadOnly, match="older schema"):
        Ledger.open(path, read_only=True)


def test_the_migrations_are_found_where_the_package_is_installed():
    from importlib.resources import files

    assert (files("assent.ledger") / "migrations" / "0001_initial.sql").read_text().count("CREATE TABLE") == 7


# -- where it lies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("cifs", True), ("ext4", False), ("tmpfs", False)])
def test_network_file_systems_are_refused(tmp_path, kind, refused):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - nfs root rw\nnonsense\n"
        f"2 1 8:2 / {str(tmp_path.parent).replace(' ', chr(92) + '040')} rw shared:1 - {kind} server:/x rw\n"
    )
    if refused:
        with pytest.raises(LedgerRemote, match=rf"network file system \({kind}\)"):
            refuse_network(tmp_path, mounts)
    else:
        refuse_network(tmp_path, mounts)
    refuse_network(tmp_path, tmp_path / "no such file")


def test_a_forked_process_opens_its_own(path):
    program = """
        import os, sys
        from assent.ledger import Ledger, LedgerError
        ledger = Ledger.open(sys.argv[1])
        child = os.fork()
        if child == 0:
            try:
                ledger.runs()
            except LedgerError as error:
                os._exit(0 if "before this process was forked" in str(error) else 1)
            os._exit(2)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(path)], check=False).returncode == 0
