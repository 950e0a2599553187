"""Nights that are rewritten into another archive, by a function that is called when somebody says so or by a schedule."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ALERTS, FAST, POISON, Stack, partition, simulate

NIGHT, NEXT = "2025-11-20", "2025-11-21"
LARGE, MANY = "2025-11-22", 2000


@pytest.fixture(scope="module")
def nights(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three nights that are put into the archive; where they are here."""
    folder = tmp_path_factory.mktemp("nights")
    simulate(folder, [NIGHT, NEXT], ALERTS)
    simulate(folder, [LARGE], MANY)
    for night in (NIGHT, NEXT, LARGE):
        stack.put_night(folder, night)
    yield folder
    for night in (NIGHT, NEXT, LARGE):
        stack.take_night(night)


@pytest.fixture
def hurried(stack: Stack) -> Iterator[None]:
    """Meanwhile the function has four seconds, of which it takes half."""
    functions, name = stack.client("lambda"), stack.resource("Optimize")
    patient = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=4)
    yield
    functions.update_function_configuration(FunctionName=name, Timeout=patient)


def file_of(folder: Path, night: str) -> Path:
    (file,) = (folder / "science" / partition(night)).glob("*.parquet")
    return file


def test_a_night_that_would_not_end_in_time_is_not_begun_and_told_with_what_to_do(
    stack: Stack, nights: Path, hurried: None
) -> None:
    answer = stack.invoke("Optimize", {"nights": [LARGE]})
    assert set(answer["too_large"]) == {LARGE} and "it might take" in answer["too_large"][LARGE], answer
    assert answer["optimized"] == answer["failed"] == {} and answer["left"] == []
    assert stack.rewritten(LARGE) == {}
    bucket = stack.outputs["ArchiveBucket"]
    told = f"nightferry optimize --archive s3://{bucket}/ --to s3://{bucket}/{FAST} --nights {LARGE}"
    assert answer["instead"].endswith(told)
    assert any(told in str(line) and LARGE in str(line) for line in stack.log("Optimize"))


def test_a_night_is_rewritten_once_and_holds_the_same_alerts(stack: Stack, nights: Path) -> None:
    answer = stack.invoke("Optimize", {"nights": f"{NIGHT}..{NEXT}"})
    assert {night: done["alerts"] for night, done in answer["optimized"].items()} == {NIGHT: ALERTS, NEXT: ALERTS}, answer
    assert answer["failed"] == answer["too_large"] == {} and answer["left"] == []
    for night in (NIGHT, NEXT):
        stack.holds_the_same(file_of(nights, night), night)
    before = {night: stack.rewritten(night) for night in (NIGHT, NEXT)}
    assert all(set(there) == {"_optimized.json", "optimized-0.zstd.parquet"} for there in before.values())
    again = stack.invoke("Optimize", {"nights": f"{NIGHT}..{NEXT}"})
    assert (again["optimized"], again["unchanged"]) == ({}, 2), again
    assert {night: stack.rewritten(night) for night in (NIGHT, NEXT)} == before


def test_the_schedule_rewrites_what_is_new_or_was_replaced(stack: Stack, nights: Path, tmp_path: Path) -> None:
    whole = stack.invoke("Optimize", {"whole": True})
    assert whole["optimized"][LARGE]["alerts"] == MANY
    assert "damaged" in whole["failed"][POISON] and whole["left"] == [], whole
    assert stack.rewritten(POISON) == {}
    simulate(tmp_path, [NEXT], 200, "--no-cutouts", "--seed", "2")
    replaced = stack.put_night(tmp_path, NEXT)
    again = stack.invoke("Optimize", {"whole": True})
    assert {night: done["alerts"] for night, done in again["optimized"].items()} == {NEXT: 200}, again
    stack.holds_the_same(replaced, NEXT)


def test_an_event_that_says_nothing_of_nights_is_refused_with_what_to_write(stack: Stack) -> None:
    assert '{"nights": "2025-09-01..2025-09-30"}' in stack.refusal("Optimize", {"Records": []})
    assert "someday" in stack.refusal("Optimize", {"nights": "someday"})
    absent = stack.invoke("Optimize", {"nights": "2001-01-01"})
    assert absent["failed"] == {"2001-01-01": "the archive has no such night"}
