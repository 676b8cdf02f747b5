import pytest
from speciate.agent import open_archive
from speciate.agent._statements import BY_DECISIONS, BY_SOURCE
from sqlalchemy import event


@pytest.mark.parametrize(
    ("query", "index"), [(BY_SOURCE, "evaluations_by_candidate"), (BY_DECISIONS, "evaluations_by_decisions")]
)
def test_look_up_of_a_judge_does_not_read_the_whole_run(tmp_path, query, index):
    archive = open_archive(tmp_path / "runs.db", create=True)
    sent = []
    event.listen(archive.database.engine, "before_cursor_execute", lambda *told: sent.append(told[2:4]))
    with archive.database.read() as connection:
        connection.execute(query, {"of_run": "run", "visible": 9, "wanted": "id"})
        words, values = sent[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values).all()
    archive.close()
    assert f"USING INDEX {index} " in plan[0][3]
