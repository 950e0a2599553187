"""Compares two dumps of alerts field by field, and prints as JSON where they differ; exits with 1 if they do."""

import argparse
import json

MISSING = object()


def load(path, key):
    """The alerts of a dump by their key, and the keys that occur more than once."""
    alerts, repeated = {}, []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            alert = json.loads(line)
            if alert[key] in alerts:
                repeated.append(alert[key])
            alerts[alert[key]] = alert
    return alerts, repeated


def differences(a, b, path=""):
    """Yields (path, a, b) wherever two values differ in type, in value or in being there at all."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in list(a) + [name for name in b if name not in a]:
            yield from differences(a.get(name, MISSING), b.get(name, MISSING), f"{path}.{name}" if path else name)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{path}[] length", len(a), len(b)
        for item_a, item_b in zip(a, b):
            yield from differences(item_a, item_b, f"{path}[]")
    elif type(a) is not type(b) or a != b:
        yield path, a, b


def shown(value):
    """A value as the report shows it: a missing field told apart from null, long text cut."""
    if value is MISSING:
        return "(missing)"
    text = json.dumps(value)
    return value if len(text) <= 200 else text[:200] + "…"


def main():
    """Compares alerts of the same key, whatever their order in the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", help="dump, one alert a line")
    parser.add_argument("b", help="dump, one alert a line")
    parser.add_argument("--key", default="candid", help="field that identifies an alert (default candid)")
    args = parser.parse_args()

    (a, repeated_a), (b, repeated_b) = load(args.a, args.key), load(args.b, args.key)
    fields = {}
    for key in a.keys() & b.keys():
        for path, value_a, value_b in differences(a[key], b[key]):
            first = {args.key: key, "a": shown(value_a), "b": shown(value_b)}
            fields.setdefault(path, {"count": 0, "first": first})["count"] += 1
    report = {
        "compared": len(a.keys() & b.keys()),
        "only_in_a": sorted(a.keys() - b.keys()),
        "only_in_b": sorted(b.keys() - a.keys()),
        "repeated_in_a": repeated_a,
        "repeated_in_b": repeated_b,
        "fields": fields,
    }
    print(json.dumps(report, indent=2))
    raise SystemExit(1 if any(report[name] for name in report if name != "compared") else 0)


if __name__ == "__main__":
    main()
