"""One worker of nightferry beside its peers; `tests/bench/speed` runs it."""
