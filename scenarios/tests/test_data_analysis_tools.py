"""The engine, the tools on a desk, the linking of questions, and charts."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from scenarios.library.data_analysis import charts, queries, reference
from scenarios.library.data_analysis.charts import Chart, Summary
from scenarios.library.data_analysis.desk import Desk
from scenarios.library.data_analysis.engine import Engine
from scenarios.library.data_analysis.files.load import load_file
from scenarios.library.data_analysis.linking import link
from scenarios.library.data_analysis.requests import KINDS
from scenarios.library.data_analysis.views import BadRequest, View, condition, period

SHOPS = b"""order_id,day,shop,net_price,units
A-1,2024-01-05,North,10.5,1
A-2,2024-01-20,South,20,2
A-3,2024-02-03,North,30,3
A-4,2024-02-14,South,,4
A-5,2024-03-01,North,50,9
A-6,2024-03-09,East,60,6
A-6,2024-03-09,East,60,6
A-7,2024-03-30,South,75,40
"""


def desk() -> Desk:
    made = Desk({"shops.csv": SHOPS})
    made.call("load_data", {"file": "shops.csv"})
    made.call("clean_data", {"table": "t1"})
    return made


def call(tool: str, **given: Any) -> dict[str, Any]:
    return desk().call(tool, {"table": "t2", **given})


def test_loading_tells_of_repeated_records_and_cleaning_drops_them() -> None:
    made = Desk({"shops.csv": SHOPS})
    loaded = made.call("load_data", {"file": "shops.csv"})
    assert (loaded["rows"], loaded["records"], loaded["repeated_records"]) == (8, "repeated", 1)
    assert made.call("clean_data", {"table": "t1"}) == {
        "table": "t2",
        "rows": 7,
        "dropped": 1,
        "records": "unique",
    }
    assert made.call("clean_data", {"table": "t1"})["table"] == "t2"  # the same table keeps its id


@pytest.mark.parametrize(
    ("column", "operator", "value", "rows"),
    [
        ("shop", "equal_to", "north", 3),
        ("shop", "not_equal_to", "North", 4),
        ("shop", "contains", "ou", 3),
        ("units", "above", 4, 3),
        ("units", "at_least", "4", 4),
        ("units", "below", 4.0, 3),
        ("units", "at_most", 4, 4),
        ("net_price", "equal_to", "$20.00", 1),
        ("net_price", "not_equal_to", 20, 5),
        ("day", "equal_to", "2024-02", 2),
        ("day", "equal_to", "2024-Q1", 7),
        ("day", "above", "2024-02", 3),
        ("day", "at_least", "2024-02-14", 4),
        ("day", "below", "2024-02", 2),
        ("day", "at_most", "14 Feb 2024", 4),
        ("day", "not_equal_to", "2024-03", 4),
    ],
)
def test_filters(column: str, operator: str, value: str | float, rows: int) -> None:
    assert call("filter_data", column=column, operator=operator, value=value)["rows"] == rows


@pytest.mark.parametrize(
    ("tool", "given", "message"),
    [
        ("filter_data", {"column": "shop", "operator": "above", "value": "A"}, "holds text"),
        ("filter_data", {"column": "units", "operator": "above", "value": "many"}, "holds numbers"),
        ("filter_data", {"column": "day", "operator": "above", "value": "soon"}, "holds dates"),
        ("filter_data", {"column": "price", "operator": "above", "value": 1}, "no column"),
        ("calculate_stats", {"column": "nothing"}, "no column"),
        ("detect_outliers", {"column": "shop", "method": "iqr"}, "no numbers"),
        (
            "run_correlation",
            {"column": "units", "other_column": "units", "method": "pearson"},
            "two different",
        ),
        (
            "aggregate_data",
            {"by": "shop", "function": "sum", "order": "by_group"},
            "needs a column",
        ),
        (
            "aggregate_data",
            {"by": "shop", "function": "count", "order": "by_group", "period": "month"},
            "no dates",
        ),
        ("plot_chart", {"kind": "histogram", "x": "units", "y": "units"}, "no y"),
        ("plot_chart", {"kind": "scatter", "x": "shop", "y": "units"}, "no numbers"),
    ],
)
def test_what_cannot_be_done_is_said(tool: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        call(tool, **given)


def test_unknown_tables_files_and_second_answers() -> None:
    made = desk()
    for tool, given in (("clean_data", {"table": "t9"}), ("load_data", {"file": "other.csv"})):
        with pytest.raises(BadRequest, match="there is no"):
            made.call(tool, given)
    made.call("answer", {"value": 3})
    with pytest.raises(BadRequest, match="already"):
        made.call("answer", {"value": 4})


def test_statistics_of_each_type() -> None:
    prices = [10.5, 20, 30, 50, 60, 75]
    found = call("calculate_stats", column="net_price")
    assert (found["count"], found["missing"], found["sum"]) == (6, 1, sum(prices))
    assert found["standard_deviation"] == round(statistics.stdev(prices), 4)
    assert found["upper_quartile"] == reference.quantile(prices, 0.75)
    assert call("calculate_stats", column="shop")["most_common"] == "North"
    assert call("calculate_stats", column="day")["latest"] == "2024-03-30"


def test_one_row_tells_its_value() -> None:
    made = desk()
    made.call(
        "filter_data", {"table": "t2", "column": "order_id", "operator": "equal_to", "value": "A-3"}
    )
    assert made.call("calculate_stats", {"table": "t3", "column": "net_price"})["value"] == 30
    assert made.call("calculate_stats", {"table": "t3", "column": "shop"})["value"] == "North"


def test_groups_are_sorted_limited_and_shared() -> None:
    found = call(
        "aggregate_data", function="sum", column="units", by="shop", order="highest_first", limit=2
    )
    assert [(row["group"], row["value"]) for row in found["rows"]] == [("South", 46), ("North", 13)]
    assert found["groups"] == 3
    assert found["rows"][0]["share_percent"] == round(100 * 46 / 65, 4)


def test_months_have_a_trend() -> None:
    given = {
        "function": "sum",
        "column": "units",
        "by": "day",
        "period": "month",
        "order": "by_group",
    }
    found = call("aggregate_data", **given)
    assert [row["group"] for row in found["rows"]] == ["2024-01", "2024-02", "2024-03"]
    assert found["trend"] == {
        "direction": "rising",
        "first": 3,
        "last": 55,
        "change_percent": round(5200 / 3, 4),
    }


@pytest.mark.parametrize("period_name", ["day", "month", "quarter", "year"])
def test_every_period_groups_all_rows(period_name: str) -> None:
    found = call("aggregate_data", function="count", by="day", period=period_name, order="by_group")
    assert sum(row["value"] for row in found["rows"]) == 7


def test_outliers_and_the_table_without_them() -> None:
    made = desk()
    found = made.call("detect_outliers", {"table": "t2", "column": "units", "method": "iqr"})
    assert (found["outliers"], found["most_extreme"]) == (1, 40)
    rest = made.call("calculate_stats", {"table": found["remaining_table"], "column": "units"})
    assert rest["average"] == round(statistics.fmean([1, 2, 3, 4, 9, 6]), 4)
    assert (
        made.call("detect_outliers", {"table": "t2", "column": "units", "method": "zscore"})[
            "outliers"
        ]
        == 0
    )


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlations_equal_the_reference(method: str) -> None:
    rows = [
        {"a": float(a), "b": float(b)}
        for a, b in [(1, 3), (2, 3), (3, 8), (3, 1), (5, 9), (6, 9), (7, 4), (8, 20)]
    ]
    table = load_file(("a,b\n" + "\n".join(f"{r['a']},{r['b']}" for r in rows)).encode())
    found = queries.correlation(View(table), 0, 1, method)
    wanted = reference.correlation(rows, "a", "b", method)
    assert wanted is not None
    assert found["coefficient"] == round(wanted, 4)
    assert (found["direction"], found["pairs"]) == ("positive", 8)


def test_the_engine_opens_no_file_and_stays_locked() -> None:
    table = load_file(SHOPS)
    engine = Engine()
    assert engine.rows(table, "count(*)") == [(8,)]
    for select, rest in (
        ("*", ", read_text('/etc/hostname')"),
        ("getenv('HOME')", ""),
        ("*", ", read_csv('x.csv')"),
    ):
        with pytest.raises(duckdb.Error):
            engine.rows(table, select, rest)
    with pytest.raises(duckdb.Error, match="locked"):
        engine._db.execute("SET enable_external_access = true")


def test_names_and_values_never_become_statements() -> None:
    evil = b'"x""; DROP TABLE t; --",y\n"1\'); DELETE FROM t; --",2\nb,3\n'
    made = Desk({"evil.csv": evil})
    made.call("load_data", {"file": "evil.csv"})
    name = 'x"; DROP TABLE t; --'
    given = {
        "table": "t1",
        "column": name,
        "operator": "equal_to",
        "value": "1'); DELETE FROM t; --",
    }
    assert made.call("filter_data", given)["rows"] == 1
    assert made.call("calculate_stats", {"table": "t1", "column": name})["count"] == 2


def test_the_engine_forgets_the_oldest_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.library.data_analysis.engine.KEPT_CELLS", 20)
    engine = Engine()
    tables = [load_file(f"a,b\n{n},1\n2,3\n3,4\n".encode() * 1) for n in range(6)]
    for table in tables:
        assert engine.rows(table, "count(*)") == [(3,)]
    assert len(engine._loaded) <= 3
    assert engine.rows(tables[0], "sum(c1)") == [(8.0,)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", (2024, 1, 1), (2024, 12, 31)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("2024-q4", (2024, 10, 1), (2024, 12, 31)),
        ("2024-02-03", (2024, 2, 3), (2024, 2, 3)),
    ],
)
def test_periods(text: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert period(text) == (dt.date(*first), dt.date(*last))


@pytest.mark.parametrize("text", ["2024-13", "soon", "", "20240101x", "0000"])
def test_no_periods(text: str) -> None:
    assert period(text) is None


def linked(question: str, data: bytes = SHOPS) -> tuple[list[str], list[tuple[str, object]]]:
    table = load_file(data)
    found = link(question, table)
    return (
        [table.columns[mention.column].name for mention in found.columns],
        [(table.columns[value.column].name, value.value) for value in found.values],
    )


@pytest.mark.parametrize(
    ("question", "columns", "values"),
    [
        ("What is the net price per shop?", ["net_price", "shop"], []),
        ("Average price in North?", ["net_price"], [("shop", "North")]),
        ("How many with units above 4?", ["units"], [("units", 4)]),
        ("Count those with more than 4 units.", ["units"], [("units", 4)]),
        ("Units since 2024-02-03?", ["units"], [("day", "2024-02-03")]),
        (
            "Units in February 2024 or during 2024?",
            ["units"],
            [("day", "2024-02"), ("day", "2024")],
        ),
        ("The units of A-5, please.", ["units"], [("order_id", "A-5")]),
        ("List the top 3 of shop by units.", ["shop", "units"], []),
        ('In "net_price.csv", how many shops?', ["shop"], []),
        ("How is the weather?", [], []),
    ],
)
def test_linking(question: str, columns: list[str], values: list[tuple[str, object]]) -> None:
    assert linked(question) == (columns, values)


def test_a_word_that_fits_two_columns_is_tied_and_its_full_name_is_not() -> None:
    table = load_file(b"net_price,gross_price,shop\n1,2,A\n3,4,B\n5,6,C\n")
    assert [m.match for m in link("The average price?", table).columns] == ["tied", "tied"]
    assert [m.match for m in link("The average net price?", table).columns] == ["exact"]


@pytest.mark.parametrize(
    ("header", "question"),
    [
        ("dep_delay", "the departure delay"),
        ("orderTotal", "the order totals"),
        ("UNITS_SOLD", "units sold"),
        ("user.plan", "each plan"),
        ("Temp (C)", "by temp"),
        ("Länge", "die Länge"),
        ("weight_kg", "the weight"),
    ],
)
def test_names_in_many_styles_are_recognised(header: str, question: str) -> None:
    columns, _ = linked(question, f"{header};other thing\n1;2\n3;4\n".encode())
    assert columns == [header]


@pytest.mark.parametrize("kind", charts.KINDS)
@pytest.mark.parametrize("form", ["svg", "png"])
def test_every_chart_is_drawn_and_always_the_same(kind: str, form: Any) -> None:
    made = desk()
    if kind in ("bar", "line"):
        made.call(
            "aggregate_data",
            {"table": "t2", "function": "count", "by": "shop", "order": "by_group"},
        )
        made.call("plot_chart", {"table": "t3", "kind": kind, "x": "shop", "y": "number of rows"})
    elif kind == "histogram":
        made.call("plot_chart", {"table": "t2", "kind": kind, "x": "units"})
    else:
        x = "shop" if kind == "box" else "net_price"
        made.call("plot_chart", {"table": "t2", "kind": kind, "x": x, "y": "units"})
    drawn = made.charts["c1"]
    picture = charts.render(drawn, form)
    assert picture == charts.render(drawn, form)
    assert picture.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert drawn.as_json()["kind"] == kind
    assert drawn.x_label
    assert drawn.y_label


def test_the_rules_of_charts() -> None:
    axes = ("month of day", "sum of units")
    points = (("2024-01", 1.0), ("2024-02", 2.0))
    good = Chart("line", "Units by day", axes[0], axes[1], "Month of day", "Sum of units", points)
    assert charts.faults(good, "line", axes) == []
    assert len(charts.faults(good, "bar", axes)) == 1
    assert len(charts.faults(good, "line", axes[::-1])) == 1
    backwards = replace(good, points=points[::-1])
    assert charts.faults(backwards, "line", axes) == ["time does not run from left to right"]
    assert len(charts.faults(replace(good, title="", points=()), "line", axes)) == 2


def test_a_summary_is_drawn_from_its_own_columns_only() -> None:
    view = View(load_file(SHOPS))
    summary = Summary(view, "shop", "sum of units", False, (("North", 13.0),))
    for kind, x, y in (
        ("bar", "shop", "units"),
        ("histogram", "shop", None),
        ("bar", "sum of units", "shop"),
    ):
        with pytest.raises(BadRequest):
            charts.chart(summary, kind, x, y)


def test_conditions_are_kept_in_the_columns_own_terms() -> None:
    table = load_file(SHOPS)
    assert condition(table, "UNITS", "above", "1,000").value == 1000.0
    assert condition(table, "shop", "equal_to", 5).value == "5"


def test_there_are_more_than_fifteen_kinds_of_question() -> None:
    assert len(KINDS) == 39
