"""What a search says of its own score: from what trials left on disk, and only if there is time."""

from test_mixture import folder, leave, prepared  # noqa: F401 - fixtures

from autokeras_lite.config import Budget
from autokeras_lite.search.believe import believe
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.mixture import choose_mixture, read_judged

ENDLESS = Clock(Budget(trials=9), 0.0, now=lambda: 50.0)


def trust_in(prepared, folder, trials, most_members=1, clock=ENDLESS):  # noqa: F811
    best = min(trials, key=lambda one: one[1].score)
    judged = read_judged(prepared, trials, folder)
    mixture = choose_mixture(prepared, trials, best, judged, most_members=most_members, seed=0)
    return mixture, believe(prepared, trials, mixture, folder, clock)


def test_the_best_of_many_is_corrected_downwards(prepared, folder):  # noqa: F811
    trials = [leave(prepared, folder, number, seed=number) for number in range(1, 9)]
    mixture, trust = trust_in(prepared, folder, trials)
    assert (trust.trials, trust.best) == (8, mixture.members[0][0][0].number)
    assert trust.score < trust.corrected  # of an error less is better
    assert trust.low <= trust.corrected <= trust.high
    assert trust.rows == sum(len(fold.validation_rows) for fold in prepared.data.folds)
    assert trust.gain is not None  # all of them are defaults


def test_an_ensemble_is_trusted_by_its_gain_on_rows_that_did_not_choose_it(prepared, folder):  # noqa: F811
    trials = [leave(prepared, folder, number, seed=number) for number in (1, 2)]
    mixture, trust = trust_in(prepared, folder, trials, most_members=8)
    assert len(mixture.members) == 2
    assert trust.best is None
    assert trust.score == mixture.score


def test_without_time_nothing_is_said(prepared, folder):  # noqa: F811
    trials = [leave(prepared, folder, 1, seed=1)]
    hurried = Clock(Budget(seconds=60.0), 0.0, now=lambda: 59.0)
    assert trust_in(prepared, folder, trials, clock=hurried)[1] is None
