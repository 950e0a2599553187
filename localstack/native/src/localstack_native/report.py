"""The lines that AWS adds to a function's log."""

import math


def log(
    request_id: str,
    version: str,
    output: str,
    milliseconds: float,
    init_milliseconds: float | None,
    limit_mb: int,
    peak_mb: int,
) -> str:
    """An invocation's log: what the function printed between the lines that AWS adds, the last with durations."""
    if output and not output.endswith("\n"):
        output += "\n"
    report = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds)} ms",
        f"Memory Size: {limit_mb} MB",
        f"Max Memory Used: {peak_mb} MB",
    ]
    if init_milliseconds is not None:
        report.append(f"Init Duration: {init_milliseconds:.2f} ms")
    return (
        f"START RequestId: {request_id} Version: {version}\n{output}END RequestId: {request_id}\n"
        + "\t".join(report)
        + "\n"
    )
