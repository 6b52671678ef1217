"""What batch transform does with data: splitting, batching, filters, joins. No cloud."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest

from penstock_services.sagemaker.jobs.transform.association import Association, format_of
from penstock_services.sagemaker.jobs.transform.jsonpath import FilterError, parse
from penstock_services.sagemaker.jobs.transform.records import RecordError, batches, split


def recordio(content: bytes, flag: int = 0) -> bytes:
    return struct.pack("<II", 0xCED7230A, flag << 29 | len(content)) + content + b"\0" * (-len(content) % 4)


def tfrecord(content: bytes) -> bytes:
    return struct.pack("<QI", len(content), 7) + content + struct.pack("<I", 9)


@pytest.mark.parametrize(
    ("split_type", "records"),
    [
        ("None", [b"a\nb"]),
        ("Line", [b"a\n", b"b\r\n", b"c"]),
        ("RecordIO", [recordio(b"abc"), recordio(b"abcd"), recordio(b"a", 1) + recordio(b"b", 2) + recordio(b"c", 3)]),
        ("TFRecord", [tfrecord(b"abc"), tfrecord(b""), tfrecord(b"z" * 300)]),
    ],
)
def test_records_come_out_as_they_went_in(split_type: str, records: list[bytes]) -> None:
    assert list(split(io.BytesIO(b"".join(records)), split_type)) == records


def test_blank_lines_are_no_records() -> None:
    assert list(split(io.BytesIO(b"a\n\n\r\nb\n"), "Line")) == [b"a\n", b"b\n"]


@pytest.mark.parametrize(
    ("split_type", "content"),
    [
        ("RecordIO", b"1,2,3,4,5"),
        ("RecordIO", recordio(b"abc")[:-2]),
        ("RecordIO", recordio(b"abc")[:6]),
        ("TFRecord", tfrecord(b"abc")[:-1]),
        ("TFRecord", b"abc"),
    ],
)
def test_data_that_is_not_of_the_format(split_type: str, content: bytes) -> None:
    with pytest.raises(RecordError, match=split_type):
        list(split(io.BytesIO(content), split_type))


def test_batches() -> None:
    records = [b"12\n", b"345\n", b"6\n", b"7\n"]
    assert list(batches(records, 7, single=False)) == [records[:2], records[2:]]
    assert list(batches(records, 0, single=False)) == [records]
    assert list(batches(records, 7, single=True)) == [[each] for each in records]
    assert list(batches([], 7, single=False)) == []
    with pytest.raises(RecordError, match="max payload"):
        list(batches(records, 3, single=False))


@pytest.mark.parametrize(
    ("expression", "value", "wanted"),
    [
        ("$", {"a": 1}, {"a": 1}),
        ("$.a.b", {"a": {"b": 2}}, 2),
        ("$['a','b']", {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}),
        ("$.a.['b','c']", {"a": {"b": 1, "c": 2, "d": 3}}, {"b": 1, "c": 2}),
        ("$.*", {"a": 1, "b": 2}, [1, 2]),
        ("$[1:]", [0, 1, 2], [1, 2]),
        ("$[:-1]", [0, 1, 2], [0, 1]),
        ("$[0,-1]", [0, 1, 2], [0, 2]),
        ("$[0,2:]", [0, 1, 2, 3], [0, 2, 3]),
        ("$[-1]", [0, 1, 2], 2),
        ("$.rows[0].x", {"rows": [{"x": 5}]}, 5),
        ("$", [1], [1]),
    ],
)
def test_json_paths(expression: str, value: Any, wanted: Any) -> None:
    assert parse(expression).value(value) == wanted


@pytest.mark.parametrize("expression", ["", "a", "$.", "$..a", "$[", "$[a]", "$['a',1]", "$[?(@.x)]", "$a"])
def test_expressions_that_are_refused(expression: str) -> None:
    with pytest.raises(FilterError):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "value"), [("$[3]", [1, 2]), ("$.a", {"b": 1}), ("$[0]", {"a": 1}), ("$.a", [1])]
)
def test_expressions_that_do_not_fit_the_data(expression: str, value: Any) -> None:
    with pytest.raises(FilterError):
        parse(expression).value(value)


def test_formats() -> None:
    types = ("text/csv; charset=utf-8", "application/json", "application/jsonlines", "image/png", None)
    assert [format_of(each) for each in types] == ["csv", "json", "jsonlines", None, None]


def test_csv_without_its_id_joined_with_the_prediction() -> None:
    """AWS's example: InputFilter $[1:], JoinSource Input, OutputFilter $[0,-1]."""
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    association = Association(processing, "csv", "csv", None, lines=True)
    payload = b'id1,2,"a, b"\nid2,3,c\n'
    assert association.outgoing(payload) == b'2,"a, b"\n3,c\n'
    assert association.incoming(payload, b"0.5\n0.7\n") == [b"id1,0.5", b"id2,0.7"]
    with pytest.raises(FilterError, match="1 records to 2"):
        association.incoming(payload, b"0.5\n")


def test_json_joined() -> None:
    association = Association({"JoinSource": "Input"}, "json", "json", None, lines=False)
    joined = association.incoming(b'{"x": 1}', b"[0.5]")
    assert [json.loads(each) for each in joined] == [{"x": 1, "SageMakerOutput": [0.5]}]
    joined = association.incoming(b"[1, 2]", b'{"y": 3}')
    assert [json.loads(each) for each in joined] == [{"SageMakerInput": [1, 2], "SageMakerOutput": {"y": 3}}]
    with pytest.raises(FilterError, match="not json"):
        association.incoming(b"[1, 2]", b"nothing")


def test_json_lines_filtered_and_joined() -> None:
    processing = {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    association = Association(processing, "jsonlines", "jsonlines", None, lines=True)
    payload = b'{"id": 1, "features": [1, 2]}\n{"id": 2, "features": [3]}\n'
    assert association.outgoing(payload) == b"[1,2]\n[3]"
    assert association.incoming(payload, b"3\n3\n") == [
        b'{"id":1,"SageMakerOutput":3}',
        b'{"id":2,"SageMakerOutput":3}',
    ]


def test_inference_ids() -> None:
    moment = "2022-08-30T00:49:15Z"
    row = Association({}, "csv", "csv", moment, lines=True).incoming(b"1\n", b"0\n")[0].decode().split(",")
    assert (row[0], len(row[1]), row[2]) == ("0", 36, moment)
    line = json.loads(Association({}, "json", "json", moment, lines=False).incoming(b"{}", b'{"output": 0}')[0])
    assert set(line) == {"output", "SageMakerInferenceId", "SageMakerInferenceTime"}
