"""`meterkit fleet engine` as it is typed: a fleet goes into a database, a round begins, its state is told."""

import json

import pytest

pytest.importorskip("procrastinate", reason="needs-postgresql-server", exc_type=ImportError)

from meterkit.cli import main
from tests.fleet.postgres import database, postgres  # noqa: F401


@pytest.fixture
def fleet_file(tmp_path):
    path = tmp_path / "fleet.json"
    content = {
        "plan": {"psem": {"registers": True}},
        "schedules": [{"name": "quarters", "cron": "*/15 * * * *", "deadline": 0.001}],
        "meters": [{"id": "m1", "url": "psem+tcp://127.0.0.1:9"}],
    }
    path.write_text(json.dumps(content))
    return path


def engine(*words):
    return main(["fleet", "engine", *map(str, words)])


def test_a_round_from_file_to_status(database, fleet_file, capsys):  # noqa: F811
    assert engine("init", database, fleet_file) == 0
    assert capsys.readouterr().out == ("1 meters in 1 groups\nquarters: */15 * * * *\nplan: begun by hand\n")
    assert engine("defer", database, "quarters") == 0
    assert capsys.readouterr().out == "quarters: 1 jobs for 1 meters\n"
    assert engine("worker", database, "--drain", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["given_up"] == ["m1"]
    assert report["failures"] == {"state": 1}
    assert engine("status", database) == 1
    assert "quarters: m1: the schedule's deadline passed before its turn came" in capsys.readouterr().out
    assert engine("status", database, "--json") == 1
    (quarters, plan) = json.loads(capsys.readouterr().out)["rounds"]
    assert (quarters["meters"], quarters["open"], plan["due"]) == (1, 0, None)


def test_what_cannot_work_is_told(database, fleet_file, tmp_path, capsys):  # noqa: F811
    assert engine("defer", database) == 1
    assert "no fleet is in it yet" in capsys.readouterr().err
    assert engine("init", f"postgresql:///x?host={tmp_path}", fleet_file) == 1
    assert "connection" in capsys.readouterr().err
    assert engine("init", "postgresql://u:secret@h/d", fleet_file) == 2
    told = capsys.readouterr().err
    assert "holds a password" in told
    assert "secret" not in told
    fleet_file.write_text(fleet_file.read_text().replace("*/15", "*/x"))
    assert engine("init", database, fleet_file) == 2
    assert "schedules.0.cron" in capsys.readouterr().err
