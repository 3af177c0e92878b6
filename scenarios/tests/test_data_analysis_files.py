"""Reading files: every format, the mess of real ones, clear errors, bounds, and nothing executed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library.data_analysis.datasets import dataset, domains
from scenarios.library.data_analysis.files import load, read_csv, read_json, read_parquet
from scenarios.library.data_analysis.files.load import load_file
from scenarios.library.data_analysis.files.table import FileProblem, Table
from scenarios.library.data_analysis.mess import BROKEN, file_of


def values(table: Table, name: str) -> list[object]:
    return list(table.columns[table.column(name)].values)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("split", SPLITS)
def test_generated_files_are_read_back_as_what_is_true(
    split: Split, difficulty: Difficulty
) -> None:
    for domain in range(len(domains(split))):
        for variant in range(3):
            data = dataset(split, difficulty, domain, variant)
            table = load_file(file_of(split, difficulty, domain, variant))
            kept = [row for row, copy in enumerate(table.repeated) if not copy]
            for field in data.fields:
                nested = field.group and data.format == "json"
                column = table.columns[
                    table.column(f"{field.group}.{field.name}" if nested else field.name)
                ]
                assert column.kind == field.kind
                assert tuple(column.values[row] for row in kept) == field.values, (
                    data.file,
                    field.name,
                )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("$1,200.50|$3", [1200.5, 3.0]),
        ("1.200,50|3,25", [1200.5, 3.25]),
        ("(12.5)|-7", [-12.5, -7.0]),
        ("35%|40 %", [35.0, 40.0]),
        ("12 kg|1,500 kg", [12.0, 1500.0]),
        ("5*|7[1]", [5.0, 7.0]),
        ("1e3|2.5E-1", [1000.0, 0.25]),
        ("1 234|5", [1234.0, 5.0]),
        ("EUR 12|EUR 13.5", [12.0, 13.5]),
        ("4|n/a|-|6", [4.0, None, None, 6.0]),
    ],
)
def test_numbers_in_many_spellings(cells: str, expected: list[float | None]) -> None:
    table = load_file(("key;value\n" + "\n".join(f"a;{c}" for c in cells.split("|"))).encode())
    assert table.columns[1].kind == "number"
    assert values(table, "value") == expected


@pytest.mark.parametrize(
    "cells", ["00123|04560", "12 kg|14 lb", "1.2.3|4.5.6", "inf|1e999", "12-34|56-78"]
)
def test_what_only_looks_like_numbers_stays_text(cells: str) -> None:
    table = load_file(("key;value\n" + "\n".join(f"a;{c}" for c in cells.split("|"))).encode())
    assert table.columns[1].kind == "text"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("2024-03-05|2024-04-01", (2024, 3, 5)),
        ("05.03.2024|01.04.2024", (2024, 3, 5)),
        ("03/05/2024|04/30/2024", (2024, 3, 5)),
        ("05/03/2024|30/04/2024", (2024, 3, 5)),
        ("5 Mar 2024|April 1, 2024", (2024, 3, 5)),
        ("5-Mar-24|1-Apr-24", (2024, 3, 5)),
        ("2024-03-05T10:00:00Z|2024-04-01 08:30", (2024, 3, 5)),
        ("Mar 2024|Apr 2024", (2024, 3, 1)),
        ("2024/03|2024/04", (2024, 3, 1)),
    ],
)
def test_dates_in_many_spellings(cells: str, expected: tuple[int, int, int]) -> None:
    table = load_file(("key;day\n" + "\n".join(f"a;{c}" for c in cells.split("|"))).encode())
    assert table.columns[1].kind == "date"
    assert values(table, "day")[0] == dt.date(*expected)


def test_titles_footnotes_totals_and_blank_lines_are_left_out() -> None:
    text = "Report of shops\n\nshop;sales;note\nA;1;x\n\nB;2;y\nC;3;z\nD;4;x\nTotal;10;\n* provisional;;\nSource: us\n"
    table = load_file(text.encode())
    assert values(table, "sales") == [1, 2, 3, 4]
    assert table.notes == {"title_lines": 1, "footnotes": 2, "total_rows": 1}


def test_spellings_that_differ_in_case_and_spaces_are_one_value() -> None:
    table = load_file(b"shop,x\nNorth,1\n north ,2\nNORTH,3\nNorth,4\n")
    assert set(values(table, "shop")) == {"North"}


def test_sodium_is_not_missing() -> None:
    assert values(load_file(b"symbol,n\nNa,11\nNA,1\nMg,12\n"), "symbol") == ["Na", None, "Mg"]


def test_only_records_with_an_identifier_can_be_repeated() -> None:
    assert load_file(b"order_id,x\nA-1,5\nA-2,5\nA-1,5\nA-3,1\nA-4,2\n").repeated.count(True) == 1
    assert not any(load_file(b"length,width\n5.1,3\n5.1,3\n4.9,3\n").repeated)


def test_headers_are_made_whole() -> None:
    table = load_file(b"name,,name,Name\na,1,b,c\nd,2,e,f\n")
    assert [column.name for column in table.columns] == ["name", "column_2", "name_2", "Name_3"]


def test_a_file_without_header_and_with_blanks_as_delimiter() -> None:
    table = load_file(b" 0  0  0\n 1  1  1\n 2  4  8\n")
    assert [column.name for column in table.columns] == ["column_1", "column_2", "column_3"]
    assert values(table, "column_3") == [0, 1, 8]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    table = load_file("Größe,Stück\nXL,3\nÜber,4\n".encode(encoding))
    assert [column.name for column in table.columns] == ["Größe", "Stück"]


@pytest.mark.parametrize(
    "document",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "page": 1},
        {"a": [1, 2], "b": ["x", "y"]},
        [["a", "b"], [1, "x"], [2, "y"]],
    ],
)
def test_shapes_of_json(document: object) -> None:
    table = load_file(json.dumps(document).encode())
    assert values(table, "a") == [1, 2]
    assert values(table, "b") == ["x", "y"]


def test_json_lines_nested_objects_and_records_by_name() -> None:
    lines = load_file(b'{"a": {"b": {"c": 1}}, "d": [1, 2]}\n{"a": {"b": {"c": 2}}, "d": []}\n')
    assert values(lines, "a.b.c") == [1, 2]
    assert values(lines, "d") == ["1, 2", None]
    named = load_file(b'{"Oslo": {"size": 4}, "Riga": {"size": 5}}')
    assert values(named, "name") == ["Oslo", "Riga"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"  \n \n", "empty"),
        (b"a,b\n", "empty"),
        (b"[]", "empty"),
        (b"PK\x03\x04rest", "unknown_format"),
        (b"\x1f\x8b\x08rest", "unknown_format"),
        (b"%PDF-1.7", "unknown_format"),
        (b"PAR1 but no parquet", "broken"),
        (b'[{"a": 1}, {"a": ', "broken"),
        (b"[" * 100_000, "broken"),
        (b"a\x00b\x00\x01\xff\xfe\x00", "not_text"),
    ],
)
def test_what_is_no_table_gets_a_clear_message(data: bytes, code: str) -> None:
    with pytest.raises(FileProblem) as caught:
        load_file(data)
    assert caught.value.code == code
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("data", BROKEN)
def test_the_broken_files_of_the_tasks_are_refused(data: bytes) -> None:
    with pytest.raises(FileProblem):
        load_file(data)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"^nothing\.csv: "):
        load_file(tmp_path / "nothing.csv")


def test_a_path_is_read_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n")
    assert load_file(path) == load_file(str(path)) == load_file(path.read_bytes())


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load, "MAX_BYTES", 100)
    big = tmp_path / "big.csv"
    big.write_bytes(b"a,b\n" + b"1,2\n" * 100)
    for source in (big, big.read_bytes()):
        with pytest.raises(FileProblem, match="more than"):
            load_file(source)
    monkeypatch.undo()
    monkeypatch.setattr(read_csv, "MAX_ROWS", 10)
    monkeypatch.setattr(read_json, "MAX_ROWS", 10)
    for data in (b"a,b\n" + b"1,2\n" * 11, b'{"a": 1}\n' * 11):
        with pytest.raises(FileProblem) as caught:
            load_file(data)
        assert caught.value.code == "too_long"


def test_a_parquet_file_that_claims_too_much_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(__file__).parent / "data" / "data_analysis" / "diamonds.parquet"
    monkeypatch.setattr(read_parquet, "MAX_UNPACKED", 10)
    with pytest.raises(FileProblem) as caught:
        load_file(path)
    assert caught.value.code == "too_long"


def test_a_wide_file_is_refused() -> None:
    with pytest.raises(FileProblem) as caught:
        load_file(
            (",".join(f"c{n}" for n in range(300)) + "\n" + ",".join("1" * 300) + "\n").encode()
        )
    assert caught.value.code == "too_wide"


def test_formulas_and_statements_in_cells_are_text() -> None:
    table = load_file(
        b'name,x\n"=cmd|\'/C calc\'!A0",1\n"\'; DROP TABLE t; --",2\n"__import__(\'os\')",3\n'
    )
    assert table.rows == 3
    assert table.columns[0].kind == "text"
