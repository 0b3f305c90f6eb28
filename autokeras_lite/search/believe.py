"""What the score of this search is worth: brings what trials left to `autokeras_lite.search.trust`."""

from autokeras_lite.search.clock import EXIT_SECONDS, TRACKING_SECONDS, Clock
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import Mixture, make_judges, read_judged
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.search.trust import Candidate, Ending, Ensemble, Trust, measure_trust

# Rows times trials times units that are judged in a second, on one of two busy cores.
_CELLS_A_SECOND = 100_000


def believe(
    prepared: Prepared, finished: list[Finished], mixture: Mixture, folder: SearchFolder, clock: Clock
) -> Trust | None:
    """Return what the score of a search is worth, `None` where there is no time to find out or nothing was stored."""
    rows = sum(len(fold.validation_rows) for fold in prepared.data.folds)
    scored = [one for one in finished if one[1].score is not None]
    needed = 0.2 + rows * len(scored) * prepared.task.units / _CELLS_A_SECOND
    left = clock.seconds_left
    if left is not None and left < clock.slowness() * (needed + TRACKING_SECONDS) + EXIT_SECONDS:
        return None
    judged = read_judged(prepared, scored, folder)
    candidates = {
        spec.number: Candidate(spec.origin, outcome.parameters, outcome.row_seconds, outcome.curve.score)
        for spec, outcome in scored
        if spec.number in judged.predictions
    }
    if not candidates:
        return None
    is_one = len(mixture.members) == 1
    winner = mixture.members[0][0][0].number if is_one else None
    ensemble = None if is_one else Ensemble(mixture.predictions, mixture.gain)
    ending = Ending(winner, ensemble, mixture.more_rows)
    return measure_trust(prepared.task, make_judges(prepared, judged), judged.predictions, candidates, ending=ending)
