"""Laws of the array `quantiles`: scikit-learn's transformer within a stated distance, for any column."""

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import Encoding, fit_encoding
from autokeras_lite.data.encode_quantiles import NOISE, choose_num_knots, fit_knots, knot_table, normal_scores
from autokeras_lite.data.profile import DataProfile

NUMBER = {"x": ColumnKind.NUMBER}
END = 5.1993
FAMILIES = {
    "normal": lambda rng, rows: rng.normal(3.0, 2.0, rows),
    "heavy tails": lambda rng, rows: rng.standard_cauchy(rows),
    "skewed": lambda rng, rows: np.exp(rng.normal(0.0, 2.0, rows)),
    "few values": lambda rng, rows: rng.integers(0, 4, rows).astype(float),
    "mostly zero": lambda rng, rows: np.where(rng.random(rows) < 0.9, 0.0, rng.exponential(50.0, rows)),
    "far from zero": lambda rng, rows: 1e9 + rng.integers(0, 50, rows),
    "two heaps": lambda rng, rows: rng.choice([-1000.0, 1000.0], rows) + rng.normal(size=rows),
}


def encode_of(
    frame: pd.DataFrame, kinds: dict[str, ColumnKind], rows: Any = None, *, quantiles: bool = True, **options: Any
) -> Encoding:
    """Fit the encoding of `frame`, with columns taken for the kinds in `kinds`."""
    dataset = Dataset("made up", InputKind.TABLE, "", frame, pd.DataFrame({"target": np.zeros(len(frame))}))
    profiles = tuple(ColumnProfile(name, kind, "", 0, 0, True) for name, kind in kinds.items())
    profile = DataProfile("made up", InputKind.TABLE, "", len(frame), profiles, (), None, 0, 0, 0, "")
    chosen = np.arange(len(frame)) if rows is None else np.asarray(rows)
    return fit_encoding(dataset, profile, chosen, quantiles=quantiles, **options)


def column(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def encoded(encoding: Encoding, values: Any) -> np.ndarray:
    return encoding.encode(column(values))["quantiles"][:, 0]


def scikit_learn(scaled: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return what scikit-learn makes of `wanted` after it saw the noisy values, with all rows and our rule."""
    noisy = scaled + NOISE * np.random.default_rng(0).standard_normal(len(scaled))
    num_quantiles = min(max(min(len(scaled) // 30, 1000), 10), len(scaled))
    transformer = QuantileTransformer(n_quantiles=num_quantiles, output_distribution="normal", subsample=None)
    # It takes what is within 1e-7 of an end for the end.
    kept = np.abs(wanted - noisy.min()) > 2e-7
    kept &= np.abs(wanted - noisy.max()) > 2e-7
    made = transformer.fit(noisy[:, None]).transform(wanted[:, None])[:, 0]
    return np.where(kept, made, np.nan)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rows", [2, 7, 299, 3000, 40_000])
def test_scores_are_those_of_scikit_learn_up_to_the_distance_of_two_knots(family, rows):
    values = FAMILIES[family](np.random.default_rng(rows), rows)
    values[0] += 1.0  # so that two rows are never alike
    encoding = encode_of(column(values), NUMBER)
    learned = encoding.content.columns[0]
    asked = np.concatenate([values[:2000], np.linspace(values.min() - 1.0, values.max() + 1.0, 2000)])
    scaled = (values - learned.center) * learned.scale
    expected = scikit_learn(scaled, (asked - learned.center) * learned.scale)
    found = encoded(encoding, asked)
    compared = ~np.isnan(expected)
    assert compared.mean() > 0.9
    assert np.abs(found - expected)[compared].max() < np.diff(normal_scores(256)).max() + 1e-5
    if rows == 40_000:  # in the bulk of the rows it is much less
        assert np.median(np.abs(found - expected)[:2000]) < 0.004


@pytest.mark.parametrize("num_knots", [16, 32, 64, 128, 256])
def test_at_the_knots_the_score_is_that_of_scikit_learn(num_knots):
    values = np.random.default_rng(0).normal(size=5000)
    knots = np.array(fit_knots(values, num_knots))
    np.testing.assert_allclose(scikit_learn(values, knots)[1:-1], normal_scores(num_knots)[1:-1], atol=1e-6)


def test_the_distance_of_two_scores_is_what_the_description_says():
    assert [round(float(np.diff(normal_scores(n)).max()), 3) for n in (256, 32)] == [0.041, 0.335]


def test_training_rows_become_standard_normal():
    values = np.exp(np.random.default_rng(0).normal(size=20_000))
    made = encoded(encode_of(column(values), NUMBER), values)
    np.testing.assert_allclose(np.quantile(made, [0.025, 0.5, 0.975]), [-1.96, 0.0, 1.96], atol=0.05)
    np.testing.assert_allclose([made.mean(), made.std()], [0.0, 1.0], atol=0.02)


WHOLE = st.integers(-(10**6), 10**6).map(float)
NUMBERS = st.floats(allow_nan=False, allow_infinity=True) | st.integers(-3, 3).map(float)


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.lists(NUMBERS, min_size=2, max_size=30))
@settings(deadline=None, max_examples=150)
def test_a_larger_number_never_has_a_smaller_score(learned_from, asked):
    made = encoded(encode_of(column(learned_from), NUMBER), sorted(asked))
    assert np.isfinite(made).all()
    assert (np.diff(made) >= 0).all()


@given(st.lists(WHOLE, min_size=2, max_size=60), st.floats(1e-3, 1e3), st.floats(-1e6, 1e6))
@settings(deadline=None, max_examples=60)
def test_another_unit_changes_nothing(values, factor, offset):
    values = np.array(values)
    moved = values * factor + offset
    scores = encoded(encode_of(column(values), NUMBER), values)
    # Rounding moves a value by less than the noise, which is all that can lie between two equal ones.
    np.testing.assert_allclose(encoded(encode_of(column(moved), NUMBER), moved), scores, atol=0.05)


@pytest.mark.parametrize("cells", [[5.0] * 4, [np.nan, np.nan, 3.0], [1e-200, 3e-200], [np.inf, np.inf]])
def test_a_constant_becomes_zero(cells):
    encoding = encode_of(column(cells).assign(y=[1.0, *range(len(cells) - 1)]), {**NUMBER, "y": ColumnKind.NUMBER})
    made = encoding.encode(column([*cells, 7e9]).assign(y=0.0))["quantiles"]
    assert made[: len(cells), 0].tolist() == [0.0] * len(cells)
    assert encoding.content.columns[0].knots == ()


def test_what_most_rows_share_has_the_score_of_its_middle_row():
    values = np.zeros(10_000)
    values[:2000], values[-1000:] = -1.0, 1.0
    made = encoded(encode_of(column(values), NUMBER), [-1.0, 0.0, 1.0])
    np.testing.assert_allclose(made, [-1.2816, 0.1257, 1.6449], atol=0.05)  # of 10, 55 and 95 percent


def test_one_odd_row_among_equal_ones_stands_at_the_end():
    values = np.zeros(1000)
    values[17] = 1.0
    low, usual, odd = encoded(encode_of(column(values), NUMBER), [-1.0, 0.0, 1.0])
    assert abs(usual) < 0.2
    assert (round(float(low), 3), round(float(odd), 3)) == (-5.199, 5.199)


def test_one_immense_value_does_not_blur_the_others():
    values = np.append(np.random.default_rng(0).normal(size=3000), 1e140)
    made = encoded(encode_of(column(values), NUMBER), values)
    np.testing.assert_allclose(np.quantile(made[:-1], [0.1, 0.9]), [-1.28, 1.28], atol=0.05)


def test_missing_is_zero_and_infinities_are_the_ends():
    values = np.arange(1000.0) ** 2
    encoding = encode_of(column(np.append(values, np.nan)), NUMBER)
    made = encoded(encoding, [np.nan, np.inf, -np.inf, 1e300])
    np.testing.assert_allclose(made, [0.0, END, -END, END], atol=1e-4)


# The table


def good_table(rows: int = 400) -> tuple[pd.DataFrame, dict[str, ColumnKind]]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=rows),
            "truth": rng.random(rows) < 0.5,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
            "group": rng.choice(["a", "b"], rows),
        }
    )
    frame.loc[::7, ["number", "day"]] = None
    kinds = [ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.DATE, ColumnKind.CATEGORY]
    return frame, dict(zip(frame, kinds, strict=True))


def test_the_columns_are_those_of_numbers_and_what_is_not_scaled_is_the_same():
    frame, kinds = good_table()
    encoding = encode_of(frame, kinds)
    arrays, plain = encoding.encode(frame), encode_of(frame, kinds, quantiles=False)
    numbers, quantiles = arrays["numbers"], arrays["quantiles"]
    assert encoding.inputs["quantiles"].shape == encoding.inputs["numbers"].shape == (11,)
    np.testing.assert_array_equal(numbers[:, 4:], quantiles[:, 4:])  # number, time, year, day of month; then the rest
    assert (quantiles[:, :4] != numbers[:, :4]).any(axis=0).all()
    for place in range(4):
        order = np.argsort(numbers[1:7, place], kind="stable")
        assert (np.diff(quantiles[1:7][order, place]) >= 0).all()
    assert not quantiles[::7, :4].any()
    for name, array in plain.encode(frame).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_who_does_not_ask_for_quantiles_does_not_learn_them():
    frame, kinds = good_table()
    encoding = encode_of(frame, kinds, quantiles=False)
    assert "quantiles" not in encoding.inputs
    assert encoding.content.columns[0].knots == ()
    assert encoding.inputs == encode_of(frame, kinds).inputs.scaled("robust")


def test_a_table_of_truth_values_has_both_arrays_alike():
    frame, kinds = good_table()
    arrays = encode_of(frame, {"truth": kinds["truth"]}).encode(frame)
    np.testing.assert_array_equal(arrays["quantiles"], arrays["numbers"])


def test_a_table_without_numbers_has_neither():
    frame, kinds = good_table()
    assert list(encode_of(frame, {"group": kinds["group"]}).encode(frame)) == ["flags"]


def test_a_fold_keeps_the_structure_and_has_knots_of_its_own():
    frame, kinds = good_table()
    layout = encode_of(frame, kinds)
    fold = encode_of(frame, kinds, np.arange(150), layout=layout, quantiles=False)
    assert fold.inputs == layout.inputs
    assert fold.content.columns[0].knots != layout.content.columns[0].knots
    assert len(fold.content.columns[0].knots) == len(layout.content.columns[0].knots) == 256
    alone = encode_of(frame.iloc[:150], kinds)
    np.testing.assert_array_equal(fold.encode(frame)["quantiles"][:, 0], alone.encode(frame)["quantiles"][:, 0])


@pytest.mark.parametrize("rows", [[0], [0, 7, 14], [2, 2, 2]], ids=["missing", "all missing", "constant"])
def test_a_fold_in_which_a_column_says_nothing_keeps_the_structure(rows):
    frame, kinds = good_table()
    fold = encode_of(frame, kinds, rows, layout=encode_of(frame, kinds))
    assert fold.inputs == encode_of(frame, kinds).inputs
    assert not fold.encode(frame)["quantiles"][np.asarray(rows), :4].any()


def test_the_same_rows_teach_the_same_knots_whatever_the_other_rows():
    frame, kinds = good_table()
    changed = frame.copy()
    changed.loc[200:, "number"] = 1e9
    assert encode_of(frame, kinds, np.arange(200)) == encode_of(changed, kinds, np.arange(200))


def test_an_encoding_with_knots_survives_its_json():
    frame, kinds = good_table()
    encoding = encode_of(frame, kinds)
    read = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert read == encoding
    np.testing.assert_array_equal(read.encode(frame)["quantiles"], encoding.encode(frame)["quantiles"])


def test_json_from_before_there_were_knots_is_read():
    frame, kinds = good_table()
    encoding = encode_of(frame, kinds, quantiles=False)
    values = json.loads(json.dumps(encoding.to_json()))
    del values["content"]["num_knots"]
    for each in values["content"]["columns"]:
        each.pop("knots", None)
    old = Encoding.from_json(values)
    assert old == encoding
    assert list(old.encode(frame)) == ["numbers", "flags"]


def test_parts_of_rows_are_encoded_alike():
    frame, kinds = good_table(10_000)
    encoding = encode_of(frame, kinds)
    whole = encoding.encode(frame)["quantiles"]
    np.testing.assert_array_equal(whole[8190:8195], encoding.encode(frame.iloc[8190:8195])["quantiles"])
    assert encoding.encode(frame.iloc[:0])["quantiles"].shape == (0, 11)


def test_wide_tables_have_fewer_knots_and_as_narrow_a_description():
    widths = [1, 8192, 8193, 50_000, 10**6]
    assert [choose_num_knots(width) for width in widths] == [256, 256, 128, 32, 16]
    assert all(choose_num_knots(width) * width <= 2**21 for width in widths[:-1])


@pytest.mark.parametrize("num_knots", [0, 16, 256])
def test_the_table_of_knots_is_ascending(num_knots):
    knots = [fit_knots(np.array([0.0, 0.5, 1.0]), num_knots), ()] if num_knots else [(), ()]
    table = knot_table(knots, num_knots)
    assert table.shape == ((2, num_knots + 1) if num_knots else (0, 1))
    assert (np.diff(table, axis=1) > 0).all()


def test_no_column_makes_numpy_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [1e308, -1e308, np.inf, -np.inf, np.nan, 5e-324, 0.0]
        made = encoded(encode_of(column(values), NUMBER), values)
    assert np.isfinite(made).all()
