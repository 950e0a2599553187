"""The JSON form of alerts that `read_topic.py` and `golden.py` write and `compare.py` reads."""

import base64
import json
import math


def to_json(value):
    """Turns a decoded Avro value into plain JSON: bytes as base64, NaN and infinities as strings."""
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def write_lines(path, alerts):
    """Writes one alert a line, fields in the order of the schema."""
    with open(path, "w", encoding="utf-8") as out:
        for alert in alerts:
            out.write(json.dumps(to_json(alert), allow_nan=False) + "\n")
