"""CSV, JSON Lines and Parquet, written while the rows are read: none of them holds a whole table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from studies.analysis.csv_table import neutralise
from studies.exports.columns import Column, Row, Table, Type, dumped, moment
from studies.exports.sink import Sink

_CHUNK = 1_000
_GROUP = 20_000
"""Rows of a row group of Parquet: what is held at once."""
_ARROW = {
    Type.TEXT: pa.string(),
    Type.WHOLE: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.FLAG: pa.bool_(),
    Type.TIME: pa.timestamp("us", tz="UTC"),
    Type.DATA: pa.string(),
}


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows in lists of ``size``, reading no further than the list at hand."""
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk


def csv_bytes(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a CSV: UTF-8, header first, no cell that a spreadsheet would take for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.names)
    for chunk in _chunks(rows, _CHUNK):
        writer.writerows(
            [_cell(column, value) for column, value in zip(table.columns, row, strict=True)] for row in chunk
        )
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    match column.type:
        case Type.TEXT:
            return neutralise(value)
        case Type.DATA:
            return neutralise(dumped(value))
        case Type.FLAG:
            return "1" if value else "0"
        case Type.TIME:
            return moment(value)
    return str(value)


def jsonl_bytes(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield JSON Lines: one object for each row, with every column."""
    times = {column.name for column in table.columns if column.type is Type.TIME}
    for chunk in _chunks(rows, _CHUNK):
        yield "".join(f"{dumped_row(table.names, row, times)}\n" for row in chunk).encode()


def dumped_row(names: tuple[str, ...], row: Row, times: set[str]) -> str:
    """Return one line, its keys in the order of the columns."""
    cells = zip(names, row, strict=True)
    told = (
        f"{dumped(name)}:{dumped(moment(value) if name in times and value is not None else value)}"
        for name, value in cells
    )
    return "{" + ",".join(told) + "}"


def parquet_bytes(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a Parquet file, row group by row group."""
    schema = pa.schema(
        [
            pa.field(
                column.name,
                _ARROW[column.type],
                nullable=column.optional,
                metadata={"meaning": column.meaning},
            )
            for column in table.columns
        ]
    )
    yield from arrow_bytes(schema, (_group(table, schema, chunk) for chunk in _chunks(rows, _GROUP)))


def arrow_bytes(schema: pa.Schema, groups: Iterable[pa.Table]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file as its row groups come."""
    sink = Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for group in groups:
            writer.write_table(group)
            yield sink.take()
    yield sink.take()


def _group(table: Table, schema: pa.Schema, chunk: list[Row]) -> pa.Table:
    columns = zip(*chunk, strict=True)
    arrays = [
        pa.array(
            [None if value is None else dumped(value) for value in values]
            if column.type is Type.DATA
            else values,
            type=_ARROW[column.type],
        )
        for column, values in zip(table.columns, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


Writer = Callable[[Table, Iterable[Row]], Iterator[bytes]]
FORMATS: dict[str, Writer] = {"csv": csv_bytes, "jsonl": jsonl_bytes, "parquet": parquet_bytes}
"""How each table is written, by the ending of the file's name."""
