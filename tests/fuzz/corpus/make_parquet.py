"""Makes the Parquet corpus: `python make_parquet.py SAMPLE`, where SAMPLE is a file that `nightferry simulate` wrote.

Sound files of every kind come from pyarrow; lies are written by hand, for no writer writes them.
"""

import pathlib
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent / "parquet"
ROWS = 6


# Thrift's compact protocol: a struct is a dict from field id to (kind, value).
I16, I32, I64, BINARY, LIST, STRUCT, TRUE, FALSE = 4, 5, 6, 8, 9, 12, 1, 2


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def zigzag(n):
    return varint((n << 1) ^ (n >> 63) if n < 0 else n << 1)


def encode(kind, value):
    if kind in (I16, I32, I64):
        return zigzag(value)
    if kind == BINARY:
        return varint(len(value)) + value
    if kind == LIST:
        element, values = value
        if isinstance(values, int):  # A list that claims so many elements and holds none.
            return bytes([0xF0 | element]) + varint(values)
        head = bytes([len(values) << 4 | element]) if len(values) < 15 else bytes([0xF0 | element]) + varint(len(values))
        return head + b"".join(encode(element, item) for item in values)
    if kind == STRUCT:
        out, last = b"", 0
        for field, (inner, item) in sorted(value.items()):
            out += bytes([(field - last) << 4 | inner]) if field - last < 16 else bytes([inner]) + zigzag(field)
            out += b"" if inner in (TRUE, FALSE) else encode(inner, item)
            last = field
        return out + b"\0"
    raise ValueError(kind)


def element(name, physical=None, children=None, repetition=1, length=None, converted=None):
    fields = {4: (BINARY, name.encode())}
    if physical is not None:
        fields[1] = (I32, physical)
    if length is not None:
        fields[2] = (I32, length)
    if repetition is not None:
        fields[3] = (I32, repetition)
    if children is not None:
        fields[5] = (I32, children)
    if converted is not None:
        fields[6] = (I32, converted)
    return fields


INT64, DOUBLE, BYTES, FIXED = 2, 5, 6, 7
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
NONE, SNAPPY, ZSTD, LZ4_RAW = 0, 1, 6, 7


def page(kind, data, uncompressed=None, header=None):
    head = {1: (I32, kind), 2: (I32, len(data) if uncompressed is None else uncompressed), 3: (I32, len(data))}
    head.update(header or {})
    return encode(STRUCT, head) + data


def v1(values, encoding=PLAIN):
    return {5: (STRUCT, {1: (I32, values), 2: (I32, encoding), 3: (I32, RLE), 4: (I32, RLE)})}


def v2(values, nulls, rows, definition, repetition, encoding):
    return {8: (STRUCT, {1: (I32, values), 2: (I32, nulls), 3: (I32, rows), 4: (I32, encoding), 5: (I32, definition),
                         6: (I32, repetition), 7: (FALSE, None)})}


def dictionary(values):
    return {7: (STRUCT, {1: (I32, values), 2: (I32, PLAIN)})}


def run(count, value, width):
    """A run of the hybrid of RLE and bit packing."""
    return varint(count << 1) + (bytes([value]) if width else b"")


def write(name, schema, groups, extra=None):
    """`groups`: (rows, [(physical, path, codec, values, dictionary page or None, data pages)])."""
    body, row_groups, total = b"PAR1", [], 0
    for rows, columns in groups:
        chunks = []
        for physical, path, codec, values, first, rest in columns:
            start = len(body)
            body += (first or b"") + rest
            meta = {1: (I32, physical), 2: (LIST, (I32, [PLAIN, RLE, RLE_DICTIONARY])),
                    3: (LIST, (BINARY, [part.encode() for part in path])), 4: (I32, codec), 5: (I64, values),
                    6: (I64, len(body) - start), 7: (I64, len(body) - start), 9: (I64, start + len(first or b""))}
            if first:
                meta[11] = (I64, start)
            chunks.append({2: (I64, 0), 3: (STRUCT, meta)})
        row_groups.append({1: (LIST, (STRUCT, chunks)), 2: (I64, len(body)), 3: (I64, rows)})
        total += rows
    footer = {1: (I32, 1), 2: (LIST, (STRUCT, schema)), 3: (I64, total), 4: (LIST, (STRUCT, row_groups))}
    footer.update(extra or {})
    footer = encode(STRUCT, footer)
    (HERE / name).write_bytes(body + footer + struct.pack("<I", len(footer)) + b"PAR1")


def alerts():
    candidate = [{"magpsf": 18.0 + row, "jd": 2461000.5 + row, "ra": 10.0 * row, "dec": -5.0, "fid": row % 3} for row in range(ROWS)]
    return pa.table({
        "objectId": pa.array([f"ZTF26aaaaa{row}" for row in range(ROWS)]),
        "candid": pa.array(range(ROWS), pa.int64()),
        "candidate": pa.array(candidate, pa.struct([("magpsf", pa.float32()), ("jd", pa.float64()), ("ra", pa.float64()),
                                                    ("dec", pa.float64()), ("fid", pa.int32())])),
        "prv_candidates": pa.array([[{"jd": 1.0 * at, "magpsf": None} for at in range(row)] if row % 4 else None for row in range(ROWS)],
                                   pa.list_(pa.struct([("jd", pa.float64()), ("magpsf", pa.float32())]))),
        "cutoutScience": pa.array([{"fileName": "a", "stampData": bytes(200)} for _ in range(ROWS)],
                                  pa.struct([("fileName", pa.string()), ("stampData", pa.binary())])),
        "cdsxmatch": pa.array(["Unknown", None, "RRLyr", "Unknown", "", "é"]),
        "mangrove": pa.array([[("ang_dist", "None")]] * ROWS, pa.map_(pa.string(), pa.string())),
        "timestamp": pa.array([1_770_000_000_000_000 + row for row in range(ROWS)], pa.timestamp("us")),
        "tracklet": pa.array([None] * ROWS, pa.string()),
    })


def sound(sample):
    whole = pq.read_table(sample).slice(0, 4)
    for name in ["cutoutScience", "cutoutTemplate", "cutoutDifference"]:
        stamp = pa.array([{"fileName": "x", "stampData": b"\x1f\x8b"}] * 4, pa.struct([("fileName", pa.string()), ("stampData", pa.binary())]))
        whole = whole.set_column(whole.schema.get_field_index(name), name, stamp)
    pq.write_table(whole, HERE / "sample.parquet", compression="zstd", write_statistics=False, store_schema=False, use_dictionary=False)

    table, plain = alerts(), {"store_schema": False}
    pq.write_table(table, HERE / "snappy-v1.parquet", compression="snappy", **plain)
    pq.write_table(table, HERE / "zstd-v2.parquet", compression="zstd", data_page_version="2.0", **plain)
    pq.write_table(table, HERE / "lz4-small-pages.parquet", compression="lz4", data_page_size=16, write_batch_size=2, row_group_size=4, **plain)
    pq.write_table(table, HERE / "none-page-index.parquet", compression="none", use_dictionary=False, data_page_size=16,
                   write_batch_size=1, write_page_index=True, **plain)
    pq.write_table(table, HERE / "zstd-page-index-dictionary.parquet", compression="zstd", data_page_size=16, write_batch_size=1,
                   write_page_index=True, **plain)
    pq.write_table(table, HERE / "gzip.parquet", compression="gzip", **plain)
    delta = {"compression": "none", "use_dictionary": False, **plain}
    pq.write_table(table, HERE / "delta.parquet", **delta,
                   column_encoding={"candid": "DELTA_BINARY_PACKED", "candidate.magpsf": "BYTE_STREAM_SPLIT"})
    pq.write_table(table, HERE / "delta-texts.parquet", **delta,
                   column_encoding={"objectId": "DELTA_BYTE_ARRAY", "cdsxmatch": "DELTA_LENGTH_BYTE_ARRAY"})
    pq.write_table(table.select(["objectId", "candid", "timestamp"]), HERE / "int96.parquet", use_deprecated_int96_timestamps=True, **plain)
    heavy = pa.array([{"fileName": "a", "stampData": bytes(8000)} for _ in range(ROWS)])
    heavy = table.set_column(table.schema.get_field_index("cutoutScience"), "cutoutScience", heavy)
    pq.write_table(heavy, HERE / "two-passes.parquet", compression="zstd", write_page_index=True, data_page_size=4000, write_batch_size=1, **plain)


def wrong_schemas():
    table, plain = alerts(), {"store_schema": False, "compression": "none"}
    pq.write_table(table.drop_columns(["candid"]), HERE / "no-candid.parquet", **plain)
    candid = pa.array([str(row) for row in range(ROWS)])
    pq.write_table(table.set_column(1, "candid", candid), HERE / "candid-text.parquet", **plain)
    pq.write_table(table.set_column(0, "objectId", pa.array([["a", "b"]] * ROWS)), HERE / "object-list.parquet", **plain)
    pq.write_table(table.select(["objectId"]).append_column("candidate", pa.array([1.5] * ROWS)), HERE / "candidate-number.parquet", **plain)
    pq.write_table(pa.table({"objectId": pa.array([], pa.string())}), HERE / "no-rows.parquet", **plain)
    pq.write_table(pa.table({"a": [1], "A": [2], "": [3], "a.b": [4], "é": [5], "year": [6], "finkclass": [7]}), HERE / "odd-names.parquet", **plain)
    odd = pa.table({
        "objectId": pa.array(["a"] * 2).dictionary_encode(), "decimal": pa.array([1, 2], pa.decimal128(38, 10)),
        "date": pa.array([1, 2], pa.date32()), "time": pa.array([1, 2], pa.time64("us")), "u64": pa.array([1, 2**64 - 1], pa.uint64()),
        "fixed": pa.array([b"abcd", None], pa.binary(4)), "half": pa.array([1.0, None], pa.float16()), "bool": pa.array([True, None]),
        "nested": pa.array([[[["x"], None]], [[]]], pa.list_(pa.list_(pa.list_(pa.string())))),
        "map": pa.array([[(1, [("x", 2)])], None], pa.map_(pa.int32(), pa.map_(pa.string(), pa.int32()))),
        "ns": pa.array([1, 2**62], pa.timestamp("ns", "UTC")),
    })
    pq.write_table(odd, HERE / "odd-types.parquet", **plain)
    pq.write_table(table.replace_schema_metadata({"k": "v" * 20_000}), HERE / "long-metadata.parquet", **plain)


def lies():
    one = [element("schema", children=1, repetition=None), element("candid", INT64)]
    text = [element("schema", children=1, repetition=None), element("objectId", BYTES, converted=0)]
    levels = lambda count: struct.pack("<I", len(run(count, 1, 1))) + run(count, 1, 1)

    write("no-columns.parquet", [element("schema", children=0, repetition=None)], [(100_000_000, [])] * 30)
    write("page-claims-2gb.parquet", one, [(10, [(INT64, ["candid"], SNAPPY, 10, None, page(0, b"\xff" * 40, 2**31 - 1, v1(10)))])])
    write("page-claims-2gb-lz4.parquet", one, [(10, [(INT64, ["candid"], LZ4_RAW, 10, None, page(0, b"\xff" * 40, 2**31 - 1, v1(10)))])])
    zeros = levels(2**16) + bytes(2**29)
    bomb = pa.Codec("zstd", 19).compress(zeros, asbytes=True)
    write("bomb-zstd-half-gb.parquet", one, [(2**16, [(INT64, ["candid"], ZSTD, 2**16, None, page(0, bomb, len(zeros), v1(2**16)))])])
    write("rows-of-nothing.parquet", one, [(100_000_000, [(INT64, ["candid"], NONE, 100_000_000, None,
          page(0, struct.pack("<I", 5) + run(100_000_000, 0, 1), None, v1(100_000_000)))])] * 10)
    write("rows-fewer-than-claimed.parquet", one, [(60_000, [(INT64, ["candid"], NONE, 10, None, page(0, levels(10) + bytes(80), None, v1(10)))])])

    # One row whose list has two thousand million members, in a few bytes.
    listed = [element("schema", children=1, repetition=None), element("prv_candidates", children=1, converted=3),
              element("list", children=1, repetition=2), element("element", DOUBLE)]
    path, many = ["prv_candidates", "list", "element"], 2**31 - 1
    repetition, definition = run(1, 0, 1) + run(many - 1, 1, 1), run(many, 3, 2)
    data = repetition + definition + bytes([1]) + run(many, 0, 1)
    write("list-of-2e9.parquet", listed, [(1, [(DOUBLE, path, NONE, many, page(2, bytes(8), None, dictionary(1)),
          page(3, data, None, v2(many, 0, 1, len(definition), len(repetition), RLE_DICTIONARY)))])])
    # The same, in a hundred pages of twenty million: the row goes on from page to page.
    part = 20_000_000
    level = lambda data: struct.pack("<I", len(data)) + data
    body = lambda first: level((run(1, 0, 1) if first else run(1, 1, 1)) + run(part - 1, 1, 1)) + level(run(part, 3, 2))
    pages = b"".join(page(0, body(at == 0) + bytes([1]) + run(part, 0, 1), None, v1(part, RLE_DICTIONARY)) for at in range(100))
    write("bomb-list-of-2e9-in-pages.parquet", listed, [(1, [(DOUBLE, path, NONE, part * 100, page(2, bytes(8), None, dictionary(1)), pages)])])

    # A text of eight megabytes, referred to by every one of 16,384 rows.
    long = struct.pack("<I", 2**23) + bytes(2**23)
    packed = pa.Codec("zstd", 19).compress(long, asbytes=True)
    indices = levels(2**14) + bytes([1]) + run(2**14, 0, 1)
    squeezed = pa.Codec("zstd").compress(indices, asbytes=True)
    write("bomb-long-text-repeated.parquet", text, [(2**14, [(BYTES, ["objectId"], ZSTD, 2**14, page(2, packed, len(long), dictionary(1)),
          page(0, squeezed, len(indices), v1(2**14, RLE_DICTIONARY)))])])
    raw = bytes(2**23)
    fixed = [element("schema", children=1, repetition=None), element("blob", FIXED, length=2**23)]
    packed = pa.Codec("zstd", 19).compress(raw, asbytes=True)
    write("long-fixed-repeated.parquet", fixed, [(2**14, [(FIXED, ["blob"], ZSTD, 2**14, page(2, packed, len(raw), dictionary(1)),
          page(0, squeezed, len(indices), v1(2**14, RLE_DICTIONARY)))])])

    # Bytes that are no text, in a page and in a dictionary.
    word = struct.pack("<I", 4) + bytes([0xFF, 0xFE, 0xFD, 0xFC])
    write("no-texts.parquet", text, [(10, [(BYTES, ["objectId"], NONE, 10, None, page(0, levels(10) + word * 10, None, v1(10)))])])
    write("no-texts-in-dictionary.parquet", text, [(10, [(BYTES, ["objectId"], NONE, 10, page(2, word, None, dictionary(1)),
          page(0, levels(10) + bytes([1]) + run(10, 0, 1), None, v1(10, RLE_DICTIONARY)))])])

    # Counts that stand within the pages: a decoder makes room for them at once.
    counts = lambda count: varint(128) + varint(4) + varint(count) + zigzag(0)
    for name, encoding, data in [("delta-lengths-2e9", 6, counts(2**31 - 1)), ("delta-prefixes-2e9", 7, counts(2**31 - 1)),
                                 ("delta-lengths-2e62", 6, counts(2**62))]:
        write(f"{name}.parquet", text, [(10, [(BYTES, ["objectId"], NONE, 10, None, page(0, levels(10) + data + bytes(20), None, v1(10, encoding)))])])
    # Texts of which each begins as the one before, and is a thousand bytes longer.
    steps = lambda first, step: varint(128) + varint(4) + varint(2_048) + zigzag(first) + (zigzag(step) + bytes(4)) * 16
    data = levels(2_048) + steps(0, 1_000) + steps(1_000, 0) + bytes(2_048_000)
    squeezed = pa.Codec("zstd", 19).compress(data, asbytes=True)
    write("delta-prefixes-grow.parquet", text, [(2_048, [(BYTES, ["objectId"], ZSTD, 2_048, None, page(0, squeezed, len(data), v1(2_048, 7)))])])
    for name, schema, physical in [("dictionary-claims-2e9", one, INT64), ("dictionary-claims-2e9-texts", text, BYTES)]:
        path = [schema[1][4][1].decode()]
        write(f"{name}.parquet", schema, [(10, [(physical, path, NONE, 10, page(2, bytes(40), None, dictionary(2**31 - 1)),
              page(0, levels(10) + bytes([1]) + run(10, 0, 1), None, v1(10, RLE_DICTIONARY)))])])

    deep = lambda levels: [element("schema", children=1, repetition=None)] + [element("x", children=1)] * levels + [element("x", INT64)]
    write("nested-100.parquet", deep(100), [])
    write("nested-2000.parquet", deep(2_000), [])
    write("children-2e9.parquet", [element("schema", children=2**31 - 1, repetition=None), element("candid", INT64)], [])
    write("children-negative.parquet", [element("schema", children=-1, repetition=None), element("candid", INT64)], [])
    write("wide-1000.parquet", [element("schema", children=1_000, repetition=None)] + [element("a", DOUBLE)] * 1_000, [])
    # Fields that readers pass over, one by one: a list of two thousand million truths without a byte.
    write("skipped-lists.parquet", one, [], {field: (LIST, (TRUE, 2**31 - 1)) for field in range(20, 60)})

    # Columns that lie over one another.
    shared = [element("schema", children=200, repetition=None)] + [element(f"c{at}", INT64) for at in range(200)]
    data = levels(2**16) + bytes(2**19)
    squeezed = pa.Codec("zstd", 19).compress(data, asbytes=True)
    body = page(0, squeezed, len(data), v1(2**16))
    chunk = lambda at: {2: (I64, 0), 3: (STRUCT, {1: (I32, INT64), 2: (LIST, (I32, [PLAIN, RLE])), 3: (LIST, (BINARY, [f"c{at}".encode()])),
                        4: (I32, ZSTD), 5: (I64, 2**16), 6: (I64, len(body)), 7: (I64, len(body)), 9: (I64, 4)})}
    group = {1: (LIST, (STRUCT, [chunk(at) for at in range(200)])), 2: (I64, 1), 3: (I64, 2**16)}
    footer = encode(STRUCT, {1: (I32, 1), 2: (LIST, (STRUCT, shared)), 3: (I64, 2**16), 4: (LIST, (STRUCT, [group]))})
    (HERE / "overlapping.parquet").write_bytes(b"PAR1" + body + footer + struct.pack("<I", len(footer)) + b"PAR1")


def broken():
    whole = (HERE / "snappy-v1.parquet").read_bytes()
    (HERE / "empty.parquet").write_bytes(b"")
    (HERE / "magic-only.parquet").write_bytes(b"PAR1PAR1")
    (HERE / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (HERE / "footer-claims-4gb.parquet").write_bytes(whole[:-8] + b"\xff\xff\xff\xff" + b"PAR1")
    (HERE / "encrypted-footer.parquet").write_bytes(whole[:-4] + b"PARE")


HERE.mkdir(exist_ok=True)
for old in HERE.glob("*.parquet"):
    old.unlink()
sound(sys.argv[1])
wrong_schemas()
lies()
broken()
