import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from speciate.agent import open_archive
from speciate.agent._migration import upgrade
from speciate.agent._tables import APPLICATION_ID, SCHEMA_VERSION, Base, Meta, Revision
from speciate.evaluators import Censored, SpeciateError, Status
from sqlalchemy import JSON, MetaData, create_engine, func, select, text


def refusal(place, **options):
    with pytest.raises(SpeciateError) as caught:
        open_archive(place, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def location(place):
    return place if isinstance(place, str) else f"sqlite:///{place}"


def rows(place):
    """Every row of a database, by table."""
    engine, known = create_engine(location(place)), MetaData()
    with engine.connect() as connection:
        known.reflect(connection)
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in known.sorted_tables
        }


def version_of(place):
    return {row["key"]: row["value"] for row in rows(place)["meta"]}["schema_version"]


def change(place, words):
    with create_engine(location(place)).begin() as connection:
        connection.exec_driver_sql(words)


def test_created_archive_is_in_wal_mode_marked_as_ours_and_opens_again(tmp_path):
    path = tmp_path / "deep" / "runs.db"
    open_archive(path, create=True).close()
    archive = open_archive(f"sqlite:///{path}")
    with archive.database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "application_id", "foreign_keys")
        }
    assert pragmas["journal_mode"] == "wal"
    assert pragmas["synchronous"] == 1
    assert pragmas["busy_timeout"] >= 10_000
    assert pragmas["application_id"] == APPLICATION_ID
    assert pragmas["foreign_keys"] == 1
    assert archive.runs() == []


def test_missing_archive_is_made_only_on_request(place, tmp_path):
    assert "no archive there" in refusal(place)
    assert not list(tmp_path.iterdir())
    open_archive(place, create=True).close()
    assert open_archive(place).runs() == []


def test_empty_file_is_an_archive_only_on_request(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    assert "empty" in refusal(path)
    open_archive(path, create=True)


def test_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to have a header")
    assert "not an SQLite file" in refusal(path, create=True)
    assert path.read_text().startswith("not a database")


def test_a_file_that_another_thread_makes_an_archive_of_meanwhile_is_no_foreign_one(tmp_path, monkeypatch):
    place = tmp_path / "x.db"
    place.touch()
    other = threading.Thread(target=lambda: open_archive(place, create=True).close())

    class Dawdling(sqlite3.Connection):
        def execute(self, statement, *parameters):
            rows = super().execute(statement, *parameters).fetchall()
            if rows and not other.ident:
                monkeypatch.undo()
                other.start()
                other.join(1.0)
            return SimpleNamespace(fetchone=lambda: rows[0])

    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *given, **named: connect(*given, factory=Dawdling, **named))
    open_archive(place, create=True).close()
    other.join()
    open_archive(place).close()


def test_damaged_database_is_refused(tmp_path):
    path = tmp_path / "damaged.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 2000)
    assert "damaged.db" in refusal(path, create=True)


def test_foreign_database_is_left_alone(place):
    change(place, "CREATE TABLE runs (id TEXT PRIMARY KEY)")
    change(place, "CREATE TABLE meta (id TEXT PRIMARY KEY)")
    before = rows(place)
    assert "another program" in refusal(place, create=True)
    assert rows(place) == before


def test_archive_of_a_newer_version_is_refused(place):
    open_archive(place, create=True).close()
    change(place, "UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    assert "newer Speciate" in refusal(place)


def test_folder_and_unwritable_place_are_refused(tmp_path):
    assert "folder" in refusal(tmp_path, create=True)
    (tmp_path / "file").touch()
    assert "writable" in refusal(tmp_path / "file" / "runs.db", create=True)
    assert "writable" in refusal("/proc/nowhere/runs.db", create=True)


def test_archive_in_memory_and_odd_urls_are_refused():
    assert "memory" in refusal("sqlite://", create=True)
    assert "SQLite or PostgreSQL" in refusal("nosuchthing://host/name")
    assert "pip install" in refusal("postgresql+nosuchdriver://host/name")


def test_server_that_does_not_answer_is_one_clear_line_without_the_password(server):
    told = refusal("postgresql://speciate:secret@127.0.0.1:1/runs", create=True)
    assert "cannot be opened" in told
    assert "secret" not in told
    assert '"nowhere" does not exist' in refusal(server.url("nowhere"), create=True)


def test_plain_url_of_a_server_finds_its_driver(server):
    archive = open_archive(server.database().replace("+psycopg", ""), create=True)
    assert archive.runs() == []


def test_locked_database_is_one_clear_line(place):
    archive, other = open_archive(place, create=True, busy_timeout_s=0.1), open_archive(place)
    refused = pytest.raises(SpeciateError, match="locked by another process")
    with other.database.write(), refused, archive.database.write():
        pass
    with archive.database.write():
        pass


def test_read_sees_one_instant(place):
    archive, other = open_archive(place, create=True), open_archive(place)
    with archive.database.read() as connection:
        count = select(func.count()).select_from(Meta)
        before = connection.execute(count).scalar()
        with other.database.write() as writing:
            writing.execute(text("INSERT INTO meta (key, value) VALUES ('more', '1')"))
        assert connection.execute(count).scalar() == before
    with archive.database.read() as connection:
        assert connection.execute(count).scalar() == before + 1


def test_read_then_write_transactions_of_many_threads_all_succeed(place):
    archive = open_archive(place, create=True)
    with archive.database.write() as connection:
        connection.execute(text("INSERT INTO meta (key, value) VALUES ('count', '0')"))

    def add():
        for _ in range(25):
            with archive.database.write() as connection:
                count = connection.execute(text("SELECT value FROM meta WHERE key = 'count'")).scalar_one()
                told = {"value": str(int(count) + 1)}
                connection.execute(text("UPDATE meta SET value = :value WHERE key = 'count'"), told)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with archive.database.read() as connection:
        assert connection.execute(text("SELECT value FROM meta WHERE key = 'count'")).scalar() == "100"


def test_failed_write_leaves_nothing(place):
    archive = open_archive(place, create=True)

    def fail():
        with archive.database.write() as connection:
            connection.execute(text("INSERT INTO meta (key, value) VALUES ('half', '1')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with archive.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM meta WHERE key = 'half'")).scalar() == 0


def old_archive(place, version=1, sign=1):
    """Write the archive that a finished run of an older schema left; with ``sign`` -1 it was maximising."""
    path = place if isinstance(place, Path) else ":memory:"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(Path(__file__).with_name(f"archive_{version}.sql").read_text())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("UPDATE evaluations SET score = ? * score", (sign,))
        if place is not path:
            copy(connection, place, version)
    return place


def copy(source, url, version):
    """Copy the rows of an older archive to a server's empty database."""
    source.row_factory, known = sqlite3.Row, MetaData()
    with create_engine(url).begin() as connection:
        upgrade(connection, "base", version)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        known.reflect(connection)
        for table in known.sorted_tables:
            found = [dict(row) for row in source.execute(f"SELECT * FROM {table.name}")]
            plain = [column.name for column in table.c if isinstance(column.type, JSON)]
            for row in found:
                row |= {name: json.loads(row[name]) for name in plain if row[name]}
            if found:
                connection.execute(table.insert(), found)
            if "id" in table.c and table.c.id.type.python_type is int:
                last = max((row["id"] for row in found), default=0) + 1
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last})")


def test_archive_of_the_first_version_opens_and_is_brought_up_to_date(place):
    archive = open_archive(old_archive(place))
    run = archive.runs()[0]
    assert (run.state, len(archive.tickets(run.id))) == ("finished", 3)
    assert archive.best(run.id)[0].score == pytest.approx(19.5789362)
    assert archive.progress(run.id)[-1].best == archive.best(run.id)[0].score
    assert {record.repetition for record in archive.evaluations(run.id)} == {0}
    assert {(entry.repetitions, entry.decided) for entry in archive.insertions(run.id)} == {(0, None)}
    evaluation = archive.evaluations(run.id)[0].evaluation
    cut = Censored(workload="train/0", limit="wall_s", after_s=30.0)
    late = evaluation.model_copy(update={"status": Status.TIMEOUT, "score": None, "censored": cut})
    archive.store_evaluation(run.id, late, "report", repetition=2)
    stored = archive.evaluations(run.id, purpose="report")[0]
    assert (stored.evaluation.censored, stored.repetition) == (cut, 2)
    archive.close()
    open_archive(place).close()
    assert version_of(place) == str(SCHEMA_VERSION)


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_archive_loses_nothing(place, version):
    before = rows(old_archive(place, version))
    open_archive(place).close()
    after = rows(place)
    before["meta"][0]["value"] = str(SCHEMA_VERSION)
    for table, old in before.items():
        assert [{name: row[name] for name in was} for was, row in zip(old, after[table], strict=True)] == old


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_archive_comes_to_the_schema_of_a_new_one(place, version):
    archive = open_archive(old_archive(place, version))
    with archive.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_new_archive_has_the_schema_of_the_tables_and_alembics_record(place):
    archive = open_archive(place, create=True)
    with archive.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert connection.execute(select(Revision.version_num)).scalars().all() == [str(SCHEMA_VERSION)]


def test_the_revisions_make_the_tables_from_nothing(place):
    with create_engine(location(place)).begin() as connection:
        upgrade(connection, "base", SCHEMA_VERSION)
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_an_older_archive_remembers_that_it_maximised(place):
    archive = open_archive(old_archive(place, sign=-1))
    run = archive.runs()[0]
    assert archive.best(run.id)[0].score == pytest.approx(-19.5789362)


def test_a_version_that_never_was_is_refused(place):
    old_archive(place)
    change(place, "UPDATE meta SET value = '0'")
    assert "expected an archive of schema 1 to" in refusal(place)
    assert version_of(place) == "0"


def test_an_archive_that_cannot_be_brought_up_to_date_stays_as_it_was(place):
    old_archive(place)
    change(place, "CREATE TABLE lessons (id INTEGER PRIMARY KEY)")
    before = rows(place)
    told = refusal(place)
    assert "lessons" in told
    assert "already exists" in told
    assert rows(place) == before


def test_processes_that_open_an_older_archive_at_once_bring_it_up_to_date_once(place):
    old_archive(place)
    command = (
        "import sys; from speciate.agent import open_archive; import alembic.command; print(flush=True)\n"
        "sys.stdin.read(); open_archive(sys.argv[1])"
    )
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [subprocess.Popen([sys.executable, "-c", command, str(place)], **pipes) for _ in range(2)]
    for process in started:
        process.stdout.readline()
    for process in started:
        process.stdin.close()
    for process in started:
        assert process.wait() == 0, process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
    assert version_of(place) == str(SCHEMA_VERSION)


def test_an_archive_that_is_up_to_date_opens_without_alembic(tmp_path):
    path = tmp_path / "runs.db"
    command = (
        "import sys; from speciate.agent import open_archive\n"
        "open_archive(sys.argv[1], create=True).close(); open_archive(sys.argv[1]); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", command, str(path)], check=True)


def test_opening_an_archive_twice_does_not_let_another_process_take_its_log_away(tmp_path):
    path = tmp_path / "runs.db"
    archive = open_archive(path, create=True)
    open_archive(path).close()
    command = "import sys; from speciate.agent import open_archive; open_archive(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", command, str(path)], check=True)
    assert archive.runs() == []
    assert Path(f"{path}-wal").exists()
    archive.close()
