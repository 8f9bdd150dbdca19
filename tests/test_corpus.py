"""The pretraining corpus: what it holds, in which shares, and what must never be in it."""

import itertools
import re
from typing import Any

import pytest

from r1cli.config import compose
from r1cli.config.stage_schema import BaseStage, CorpusSettings
from r1cli.config.task_schema import CountdownTask
from r1cli.nano import corpus, probes
from r1cli.problem import Status
from r1cli.prompts import split
from r1cli.tasks.countdown import Node, is_heldout, make_problem
from r1cli.verifiers import verify


@pytest.fixture(scope="module")
def shipped() -> tuple[CorpusSettings, CountdownTask]:
    config = compose.load("base", [])
    assert isinstance(config.stage, BaseStage) and isinstance(config.task, CountdownTask)
    return config.stage.corpus, config.task


@pytest.fixture(scope="module")
def texts(shipped: tuple[CorpusSettings, CountdownTask]) -> list[str]:
    return list(corpus.documents(0, 4000, *shipped))


PROMPT = re.compile(r"User : make (\d+) from ([\d ]+) \. Assistant : ")


def test_the_same_seed_writes_the_same_texts(
    shipped: tuple[CorpusSettings, CountdownTask], texts: list[str]
) -> None:
    assert list(corpus.documents(0, 50, *shipped)) == texts[:50]
    assert list(corpus.documents(1, 50, *shipped)) != texts[:50]


def test_all_attempts_at_two_numbers_by_hand() -> None:
    # 5 and 3: one each of + and *, and the smaller from the larger
    found = {(a.expression, a.value) for a in corpus.attempts((5, 3), "+-*", 30)}
    assert found == {("5 + 3", 8), ("5 - 3", 2), ("5 * 3", 15)}
    assert {a.value for a in corpus.attempts((5, 3), "+-*", 10)} == {8, 2}, "15 goes above 10"


def test_an_attempt_reads_as_its_steps() -> None:
    attempt = next(a for a in corpus.attempts((3, 4, 1), "+-*", 30) if a.expression == "( 3 * 4 ) + 1")
    assert attempt.text == "3 * 4 = 12 , 12 + 1 = 13 ."
    assert attempt.value == 13


def test_every_sum_and_every_check_is_right(texts: list[str]) -> None:
    sums, (yes, no) = probes.arithmetic(texts), probes.checks(texts)
    assert sums.rate == yes.rate == no.rate == 1.0
    assert min(sums.cases, yes.cases, no.cases) > 300


def test_no_text_shows_a_held_out_problem(
    shipped: tuple[CorpusSettings, CountdownTask], texts: list[str]
) -> None:
    asked = [match for text in texts if (match := PROMPT.match(text))]
    assert len(asked) > 2000
    for match in asked:
        numbers = [int(n) for n in match[2].split()]
        assert not is_heldout(numbers, int(match[1]), shipped[1].heldout_share)


def responses(texts: list[str]) -> list[tuple[Any, str]]:
    found = []
    for text in texts:
        if match := PROMPT.match(text):
            numbers = [int(n) for n in match[2].split()]
            target = Node(int(match[1]), "unknown")
            found.append((make_problem(numbers, target), text[match.end() :]))
    return found


def test_guesses_are_blind_and_searches_mostly_end_well(texts: list[str]) -> None:
    """Nothing labels the better style, but it is better: that is what there is to discover."""
    judged = []
    for problem, response in responses(texts):
        completion = split(response, tokens=1, truncated=False)
        if completion.answer is not None:
            judged.append((probes.is_search(response), verify(problem, completion).status is Status.RIGHT))
    guesses = [right for search, right in judged if not search]
    searches = [right for search, right in judged if search]
    assert len(guesses) > 1.5 * len(searches), "it mostly blurts out its first guess"
    assert sum(searches) / len(searches) > 3 * sum(guesses) / len(guesses)


def test_format_is_broken_as_often_in_searches_as_in_guesses(texts: list[str]) -> None:
    formed: dict[bool, list[bool]] = {True: [], False: []}
    for _, response in responses(texts):
        well = split(response, tokens=1, truncated=False).well_formed
        formed[probes.is_search(response)].append(well)
    for kind in formed.values():
        assert 0.3 < sum(kind) / len(kind) < 0.5


def test_some_texts_mix_languages(texts: list[str]) -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    share = sum(bool(han.search(text)) for text in texts) / len(texts)
    assert 0.05 < share < 0.2


def test_a_prompt_does_not_tell_how_it_will_be_answered(texts: list[str]) -> None:
    # The same prompt form for guesses, searches, broken formats and every language.
    heads = {re.sub(r"\d+", "N", m[0]) for t in texts if (m := PROMPT.match(t))}
    assert heads <= {"User : make N from " + " ".join(["N"] * k) + " . Assistant : " for k in range(2, 7)}


def test_documents_are_endless_and_lazy(shipped: tuple[CorpusSettings, CountdownTask]) -> None:
    endless = corpus.documents(3, 10**9, *shipped)
    assert len(list(itertools.islice(endless, 5))) == 5
