"""Tables of questions: read, checked row by row, split without a leak."""

import json
from pathlib import Path
from typing import Any

import pytest

from r1cli.config.task_schema import TableTask
from r1cli.errors import UserError
from r1cli.tasks import load

SETTINGS: dict[str, Any] = {
    "kind": "table",
    "name": "toy",
    "path": None,
    "heldout_path": None,
    "heldout_share": 0.25,
    "hub_id": None,
    "subset": None,
    "revision": None,
    "train_split": "train",
    "heldout_split": "test",
    "question": "question",
    "answer": "answer",
    "answer_after": None,
    "verifier": "number",
}
ROWS: list[dict[str, Any]] = [{"question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(1, 21)]


def config(path: Path | None, **changes: Any) -> TableTask:
    return TableTask(**(SETTINGS | {"path": None if path is None else str(path)} | changes))


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_file_is_split_by_hash(tmp_path: Path) -> None:
    task = load(config(jsonl(tmp_path / "rows.jsonl", ROWS)), seed=0)
    train, heldout = task.train(100), task.heldout(100)
    assert task.size == len(train) == 15
    assert len(heldout) == 5  # a quarter of 20
    assert {p.id for p in train}.isdisjoint(p.id for p in heldout)
    assert {p.question for p in train + heldout} == {row["question"] for row in ROWS}


def test_the_split_depends_on_neither_seed_nor_order(tmp_path: Path) -> None:
    one = load(config(jsonl(tmp_path / "a.jsonl", ROWS)), seed=1)
    other = load(config(jsonl(tmp_path / "b.jsonl", ROWS[::-1])), seed=2)
    assert one.heldout(5) == other.heldout(5)
    assert one.heldout(2) == one.heldout(5)[:2]
    assert one.train(15) != other.train(15)
    assert one.train(15) == load(config(tmp_path / "a.jsonl"), seed=1).train(15)
    assert one.train(4) == one.train(15)[:4]


def test_a_held_out_file_is_kept_out_of_training(tmp_path: Path) -> None:
    train = jsonl(tmp_path / "train.jsonl", [*ROWS, {"question": "What  is 1 + 1?\n", "answer": "2"}])
    held = jsonl(tmp_path / "test.jsonl", [ROWS[0], {"question": "What is 50 + 50?", "answer": "100"}])
    task = load(config(train, heldout_path=str(held)), seed=0)
    assert sorted(p.answer for p in task.heldout(9)) == ["100", "2"]
    assert task.size == 19  # row 1 and its copy with other spaces are held out
    assert "2" not in {p.answer for p in task.train(99)}


def test_csv_and_parquet_hold_the_same_problems(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    lines = [f'"{row["question"]}",{row["answer"]}' for row in ROWS]
    (tmp_path / "rows.csv").write_text("\ufeffquestion,answer\r\n" + "\r\n".join(lines), encoding="utf-8")
    numbers = [row | {"answer": int(row["answer"])} for row in ROWS]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(numbers), tmp_path / "rows.parquet")
    expected = load(config(jsonl(tmp_path / "rows.jsonl", ROWS)), seed=0).train(99)
    assert load(config(tmp_path / "rows.csv"), seed=0).train(99) == expected
    assert load(config(tmp_path / "rows.parquet"), seed=0).train(99) == expected


def test_numbers_may_be_stored_as_numbers(tmp_path: Path) -> None:
    rows = [{"question": "half of 1?", "answer": 0.5}, {"question": "1 + 1?", "answer": 2}]
    task = load(config(jsonl(tmp_path / "rows.jsonl", rows)), seed=0)
    assert sorted(p.answer for p in task.train(9) + task.heldout(9)) == ["0.5", "2"]


def test_the_gold_answer_stands_after_the_last_mark(tmp_path: Path) -> None:
    worked = [row | {"answer": f"#### first\nso #### {row['answer']}"} for row in ROWS]
    task = load(config(jsonl(tmp_path / "rows.jsonl", worked), answer_after="####"), seed=0)
    assert {p.answer for p in task.train(99) + task.heldout(99)} == {row["answer"] for row in ROWS}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "row 4: not JSON"),
        ('["a list"]', "row 4: must be a JSON object"),
        ("[" * 100_000, "row 4: not JSON"),
        ({"question": "Q"}, "row 4: `answer`. Known: question"),
        ({"questions": "Q", "answer": "1"}, "row 4: `question`. Did you mean `questions`?"),
        ({"question": "Q", "answer": None}, "row 4: column `answer` must be text, got nothing"),
        ({"question": "Q", "answer": True}, "row 4: column `answer` must be text, got bool"),
        ('{"question": "Q", "answer": NaN}', "row 4: verifier `number` cannot judge the gold answer 'nan'"),
        ({"question": ["Q"], "answer": "1"}, "row 4: column `question` must be text, got list"),
        ({"question": "  ", "answer": "1"}, "row 4: column `question` is empty"),
        (
            {"question": "Q", "answer": "eighteen"},
            "row 4: verifier `number` cannot judge the gold answer 'eighteen'",
        ),
        ('{"question": "Q \\ud800", "answer": "1"}', "row 4: column `question` is not valid Unicode"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: Any, message: str) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [ROWS[0], ROWS[1], "", row, ROWS[2]])
    with pytest.raises(UserError) as caught:
        load(config(path), seed=0)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_gold_answer_without_its_mark_is_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{"question": "Q", "answer": "so 5"}])
    with pytest.raises(UserError, match="row 1: column `answer` has no gold answer: `####` is not in it"):
        load(config(path, answer_after="####"), seed=0)
    with pytest.raises(UserError, match="nothing stands after `so 5`"):
        load(config(path, answer_after="so 5"), seed=0)


def test_a_short_csv_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("question,answer\nQ,1\nP\n")
    with pytest.raises(UserError, match="row 2: column `answer` must be text, got nothing"):
        load(config(tmp_path / "rows.csv"), seed=0)
    (tmp_path / "rows.csv").write_text('question,answer\nQ,1\n"P,2\n')
    with pytest.raises(UserError, match="row 2: not CSV"):
        load(config(tmp_path / "rows.csv"), seed=0)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content, message in (
        ("bad.jsonl", b'{"question": "\xff"}', "not UTF-8"),
        ("bad.parquet", b"PAR", "not a parquet file"),
        ("bad.txt", b"x", "must be one of .jsonl, .csv, .parquet"),
        ("empty.jsonl", b"", "has no training rows"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=message):
            load(config(tmp_path / name), seed=0)
    with pytest.raises(UserError, match="does not exist"):
        load(config(tmp_path / "none.jsonl"), seed=0)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UserError, match="cannot read task file"):
        load(config(tmp_path / "folder.jsonl"), seed=0)


def test_one_row_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="0 training, 1 held out"):
        load(config(jsonl(tmp_path / "rows.jsonl", ROWS[:1])), seed=0)


def test_settings_that_contradict(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no rows"):
        load(config(None), seed=0)
    with pytest.raises(UserError, match=r"unknown verifier `numbers`\. Did you mean `number`"):
        load(config(jsonl(tmp_path / "rows.jsonl", ROWS), verifier="numbers"), seed=0)


def test_a_data_set_that_is_not_in_the_cache_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(
        UserError, match="cannot load split `train` of data set `nobody/nothing` in the local"
    ) as e:
        load(config(None, hub_id="nobody/nothing"), seed=0)
    assert len(str(e.value).splitlines()) == 2


@pytest.mark.timeout(20)
def test_an_unreachable_hub_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(
        UserError, match="cannot reach the Hugging Face Hub for data set `nobody/nothing`"
    ) as e:
        load(config(None, hub_id="nobody/nothing"), seed=0)
    assert "task.path=FILE" in str(e.value)
    assert len(str(e.value).splitlines()) == 2
