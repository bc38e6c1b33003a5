"""The ledger's tables on both databases: brought up to date when opened, refused when newer, quiet about passwords (P12)."""

from __future__ import annotations

import threading
import traceback

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from kengd.errors import KengdError, UsageError
from kengd.hub.ledger import incidents
from kengd.hub.ledger.migrations import NEWEST
from kengd.hub.ledger.rows import Row
from kengd.hub.ledger.stepping import newest
from kengd.hub.ledger.store import Ledger, Transaction, sqlite_url
from kengd.hub.ledger.values import put_value, value_of
from tests.hub.conftest import Server

PASSWORD = "mat-khau-bi-mat"


def test_the_newest_shape_is_named_where_it_is_looked_for() -> None:
    """A ledger of the newest shape is opened without loading alembic: the name beside the steps must be the last step's."""
    assert newest() == NEWEST


def test_the_migrated_tables_are_those_of_the_models(ledger: Ledger) -> None:
    """What the steps build and what the program reads are the same tables, columns, indexes and constraints."""
    with ledger.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []


def test_opening_again_changes_nothing(ledger_url: str) -> None:
    """A restart finds what was there."""
    first = Ledger(ledger_url)
    with first.write() as connection:
        put_value(connection, "khóa", "giá trị")
    first.close()
    again = Ledger(ledger_url)
    with again.read() as connection:
        assert value_of(connection, "khóa") == "giá trị"
    again.close()


def test_two_workers_that_open_an_empty_ledger_at_once_build_it_once(postgres: Server) -> None:
    """STACK: several workers share one PostgreSQL; none of them stumbles over another that is building."""
    url = postgres.made_from("template1")
    troubles: list[BaseException] = []

    def begin() -> None:
        try:
            Ledger(url).close()
        except BaseException as wrong:
            troubles.append(wrong)
            raise

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert troubles == []


def test_a_ledger_of_a_newer_release_is_left_alone(ledger_url: str) -> None:
    """A step that this release does not know: said in Vietnamese, nothing touched."""
    ledger = Ledger(ledger_url)
    with ledger.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(KengdError) as refused:
        Ledger(ledger_url)
    assert refused.value.code == "ledger_newer"
    assert "mới hơn" in refused.value.vi and refused.value.cure


def test_a_ledger_of_the_release_before_keeps_what_it_has(ledger_url: str) -> None:
    """Its calls were turns, of whom nobody knew whether they were called; an officer's alarms are told from a village's."""
    ledger = Ledger(ledger_url)
    with ledger.write() as connection:
        from_old(connection)
        for name, began, taken in (("hub-x", 5, 5), ("hub-y", 5, 9), ("thon-1-a", 5, 5)):
            connection.exec_driver_sql(
                "INSERT INTO incident (id, origin, purpose, text, began_ms, acknowledged_ms, calls) "
                f"VALUES ('{name}', 'alarm', 'actual', '', {began}, {taken}, 3)"
            )
    ledger.close()
    again = Ledger(ledger_url)
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []
        kept = {one.id: (one.origin, one.turns, one.calls, one.villages) for one in incidents.open_ones(connection)}
    again.close()
    assert kept == {"hub-x": ("order", 3, 0, ()), "hub-y": ("alarm", 3, 0, ()), "thon-1-a": ("alarm", 3, 0, ())}


def from_old(connection: Transaction) -> None:
    """The shape before the newest step."""
    for statement in (
        "DROP TABLE shift", "DROP TABLE unread", "DROP TABLE errand", "DROP INDEX ix_notice_incident", "DROP INDEX ix_notice_errand",
        "ALTER TABLE notice DROP COLUMN incident", "ALTER TABLE notice DROP COLUMN turn",
        "ALTER TABLE notice DROP COLUMN errand", "ALTER TABLE incident DROP COLUMN calls",
        "ALTER TABLE incident DROP COLUMN villages", "ALTER TABLE incident RENAME COLUMN turns TO calls",
        "UPDATE alembic_version SET version_num = '0002'",
    ):  # fmt: skip
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://kengd:{PASSWORD}@127.0.0.1/kengd",
        f"postgresql://kengd:{PASSWORD}@127.0.0.1:cổng/kengd",
        f"sqlite+nothing://kengd:{PASSWORD}@/x",
        f"kengd:{PASSWORD}",
        f"postgresql://kengd:{PASSWORD}@127.0.0.1:1/kengd",
        f"postgresql://kengd:{PASSWORD}@127.0.0.1:1/kengd?connect_timeout=2&unheard={PASSWORD}",
        f"postgresql://kengd:{PASSWORD}@/kengd?host=/nowhere/at/all",
        "",
    ],
)
def test_a_wrong_url_never_shows_its_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """P12: neither in the sentence, nor in the cure, nor in what a traceback prints, nor in the log."""
    with pytest.raises(KengdError) as refused:
        Ledger(url)
    assert refused.value.code in ("bad_database_url", "ledger_unreachable")
    shown = "".join(traceback.format_exception(refused.value)) + refused.value.for_people() + caplog.text
    lines = [line for line in shown.splitlines() if PASSWORD in line]
    assert lines == []


def test_a_ledger_where_nothing_can_be_written_is_said_in_words() -> None:
    """No such directory: one sentence and a cure, not a traceback."""
    with pytest.raises(KengdError) as refused:
        Ledger("sqlite:////nowhere/at/all/ledger.sqlite")
    assert (refused.value.code, isinstance(refused.value, UsageError)) == ("ledger_unreachable", False)


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    """P8: what a crash interrupts was never there, and the next writer is not held up."""
    with pytest.raises(RuntimeError), ledger.write() as connection:
        put_value(connection, "half", "done")
        raise RuntimeError
    with ledger.write() as connection:
        assert value_of(connection, "half") is None


def test_a_reader_sees_one_state_and_is_not_held_up_by_a_writer(ledger: Ledger) -> None:
    """Pages are read while entries are written."""
    with ledger.write() as writing:
        put_value(writing, "now", "new")
        with ledger.read() as reading:
            assert value_of(reading, "now") is None
    with ledger.read() as reading:
        assert value_of(reading, "now") == "new"


def test_writers_in_many_threads_all_get_their_turn(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite has one writer at a time: the others wait for it instead of failing with "locked"."""
    ledger = Ledger(sqlite_url(tmp_path_factory.mktemp("turns") / "ledger.sqlite"))

    def write(n: int) -> None:
        for _ in range(5):
            with ledger.write() as connection:
                put_value(connection, f"t{n}", str(int(value_of(connection, f"t{n}") or 0) + 1))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with ledger.read() as connection:
        assert [value_of(connection, f"t{n}") for n in range(6)] == ["5"] * 6
    ledger.close()
