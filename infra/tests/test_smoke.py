"""What `localstack/deploy smoke` takes for a receipt that adds up."""

import importlib.util
import sys
from typing import Any

import pytest
from conftest import ROOT

spec = importlib.util.spec_from_file_location("deploy", ROOT / "localstack" / "deploy.py")
assert spec is not None and spec.loader is not None
deploy = importlib.util.module_from_spec(spec)
sys.modules["deploy"] = deploy
spec.loader.exec_module(deploy)


def receipt(end: int = 6, **changed: Any) -> dict[str, Any]:
    books = {"read": 10, "dropped_by_class": 1, "dropped_by_condition": [1, 1], "over_limit": 1, "kept": 6, "sent": 6}
    books |= changed
    return {
        "total": books,
        "nights": [{"counts": books}],
        "partitions": [{"start": 0, "end": 4}, {"start": 2, "end": end - 2}],
    }


def test_a_receipt_that_adds_up_passes() -> None:
    deploy.check(receipt())


@pytest.mark.parametrize(
    "wrong", [{"read": 11}, {"over_limit": 0}, {"sent": 5}, {"end": 7}, {"end": 0, "kept": 0, "sent": 0, "read": 4}]
)
def test_one_that_does_not_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(deploy.Failed):
        deploy.check(receipt(**wrong))
