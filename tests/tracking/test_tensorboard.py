"""TensorBoard's event files: read back by TensorBoard's own reader, made without TensorFlow."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from made_up_search import STARTED, search_end, search_record, trial_end, trial_record

from autokeras_lite.config import Place
from autokeras_lite.errors import ConfigError, TrackingError
from autokeras_lite.tracking import open as opening
from autokeras_lite.tracking.open import check_tensorboard, count_waiting, open_tracker
from autokeras_lite.tracking.outbox import Outbox
from autokeras_lite.tracking.outbox_tracker import OutboxTracker, Pauses
from autokeras_lite.tracking.tracker import RunFiles, TrackingLink
from autokeras_lite.trial import Cause

tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")

QUICK = Pauses(0.001, 0.01, 0.01)


@pytest.fixture
def board(tmp_path):
    return tmp_path / "boards"


def open_board(board, tmp_path):
    from autokeras_lite.tracking.tensorboard import TensorBoardStore

    link = TrackingLink(str(board), "adult", "")
    return OutboxTracker(
        link, lambda: TensorBoardStore(board), Outbox(tmp_path / "adult" / "outbox_tensorboard"), QUICK
    )


def tell(tracker, *numbers, cause=Cause.OK):
    tracker.start_search(search_record(data={"training_rows": 80.0}))
    for number in numbers:
        tracker.start_trial(trial_record(number))
        tracker.finish_trial(trial_end(number, cause))
    tracker.finish_search(search_end())


def read_scalars(folder):
    """All scalars of a run, by TensorBoard's own reader: for each tag the steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder))
    reader.Reload()
    return {tag: [(one.step, one.value) for one in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def read_hyperparameters(folder):
    """What the HParams page is told of a run: its group, its values, and how it ended."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    reader = EventAccumulator(str(folder))
    reader.Reload()
    start, end = (
        reader.SummaryMetadata(tag).plugin_data.content
        for tag in (metadata.SESSION_START_INFO_TAG, metadata.SESSION_END_INFO_TAG)
    )
    begun, ended = (
        metadata.parse_session_start_info_plugin_data(start),
        metadata.parse_session_end_info_plugin_data(end),
    )
    values = {key: getattr(value, value.WhichOneof("kind")) for key, value in begun.hparams.items()}
    return begun.group_name, values, ended.status


@tensorboard
class TestFiles:
    def test_curves_and_numbers_come_back_under_the_names_of_the_table(self, board, tmp_path):
        tracker = open_board(board, tmp_path)
        tell(tracker, 3)
        assert tracker.close(60) == 0, tracker.problems

        scalars = read_scalars(board / "adult" / "0003")
        curve = trial_end(3).outcome.curve
        assert scalars["epoch/loss"] == [(step, pytest.approx(v)) for step, v in enumerate(curve.loss, 1)]
        assert scalars["epoch/validation_loss"] == [
            (step, pytest.approx(value)) for step, value in enumerate(curve.validation_loss, 1)
        ]
        assert [step for step, _ in scalars["epoch/score"]] == [1, 2, 3]
        assert scalars["score"] == [(0, pytest.approx(0.9))]
        assert scalars["rows_per_second"] == [(0, pytest.approx(80 * 2 * 3 / 1.5))]

    def test_hyperparameters_are_numbers_where_they_are_numbers(self, board, tmp_path):
        tracker = open_board(board, tmp_path)
        tell(tracker, 3)
        assert tracker.close(60) == 0

        group, values, status = read_hyperparameters(board / "adult" / "0003")
        assert group == "adult/0003"
        assert values["recipe.learning_rate"] == 1e-3
        assert values["recipe.dropout"] == 0.25
        assert values["structure.nesterov"] is True
        assert (values["structure.widths"], values["family"]) == ("[64, 32]", "tabular_mlp")
        assert status == 1

    def test_a_failed_trial_has_a_status_and_no_score(self, board, tmp_path):
        tracker = open_board(board, tmp_path)
        tell(tracker, 1, cause=Cause.DIVERGED)
        assert tracker.close(60) == 0

        assert read_hyperparameters(board / "adult" / "0001")[2] == 2
        assert "score" not in read_scalars(board / "adult" / "0001")

    def test_telling_everything_twice_changes_nothing(self, board, tmp_path):
        contents = []
        for _ in range(2):
            tracker = open_board(board, tmp_path)
            tell(tracker, 0, 1)
            assert tracker.close(60) == 0
            contents.append({file: file.read_bytes() for file in board.rglob("*") if file.is_file()})
        assert contents[0] == contents[1]
        assert len(contents[0]) == 4

    def test_a_trial_that_begins_again_loses_what_it_had(self, board, tmp_path):
        tracker = open_board(board, tmp_path)
        tell(tracker, 0)
        tracker.start_trial(replace(trial_record(0), started=STARTED + 500))
        tracker.finish_trial(replace(trial_end(0, epochs=7), ended=STARTED + 600))
        assert tracker.close(60) == 0

        assert [value for _, value in read_scalars(board / "adult" / "0000")["epochs"]] == [7.0]

    def test_an_end_whose_beginning_an_earlier_process_wrote_is_written(self, board, tmp_path):
        first = open_board(board, tmp_path)
        first.start_search(search_record(uid="a1"))
        first.start_trial(trial_record(0))
        assert first.close(60) == 0
        second = open_board(board, tmp_path)
        second.start_search(search_record(uid="a1"))
        second.finish_trial(trial_end(0))
        assert second.close(60) == 0

        assert read_hyperparameters(board / "adult" / "0000")[0] == "adult/0000"
        assert read_scalars(board / "adult" / "0000")["score"]

    def test_what_it_cannot_show_is_passed_over(self, board, tmp_path):
        tracker = open_board(board, tmp_path)
        tracker.start_search(search_record())
        tracker.finish_search(search_end(Path("artifact")))
        tracker.log_files(RunFiles("adult", "a1", (Path("report.html"),)))
        assert tracker.close(60) == 0

    def test_a_disk_that_takes_nothing_is_told_and_made_up_for(self, board, tmp_path):
        board.write_text("a file stands where the folder should")
        tracker = open_board(board, tmp_path)
        tell(tracker, 0)
        assert tracker.close(60) > 0
        assert "TensorBoard folder" in tracker.problems[0]

        board.unlink()
        later = open_board(board, tmp_path)
        assert later.close(60) == 0
        assert read_scalars(board / "adult" / "0000")["score"]

    @pytest.mark.slow
    def test_no_tensorflow_is_loaded(self, board):
        code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from made_up_search import search_record, trial_end, trial_record
from autokeras_lite.tracking.tensorboard import TensorBoardStore
store = TensorBoardStore(Path({str(board)!r}))
for event in (search_record(), trial_record(0), trial_end(0)):
    store.write(event)
sys.exit("tensorflow" in sys.modules)
"""
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        assert len(list(board.rglob("*tfevents*"))) == 2


# --- beside MLflow ---------------------------------------------------------------------------------------------------


def test_without_the_package_nothing_begins_and_the_line_to_type_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "autokeras_lite\[tensorboard\]"') as refused:
        check_tensorboard(Place("adult", str(tmp_path / "runs"), tensorboard="boards"))
    assert "\n" not in str(refused.value)
    check_tensorboard(Place("adult", str(tmp_path / "runs")))
    assert list(tmp_path.iterdir()) == []


@tensorboard
def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    (tmp_path / "boards").write_text("a file")
    with pytest.raises(TrackingError, match="Choose another --tensorboard"):
        open_tracker(Place("adult", str(tmp_path / "runs"), tensorboard=str(tmp_path / "boards")))


@tensorboard
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")
def test_files_are_written_beside_the_record(tmp_path):
    place = Place("adult", str(tmp_path / "runs"), tensorboard=str(tmp_path / "boards"))
    tracker = open_tracker(place)
    tell(tracker, 0)
    assert tracker.close(120) == 0, tracker.problems

    assert tracker.link.uri.startswith("sqlite:")
    assert tracker.link.run_id
    assert read_scalars(tmp_path / "boards" / "adult" / "0000")["score"]
    assert count_waiting(place) == 0


@tensorboard
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")
def test_a_board_that_is_gone_leaves_the_record_whole(tmp_path):
    place = Place("adult", str(tmp_path / "runs"), tensorboard=str(tmp_path / "boards"))
    tracker = open_tracker(place)
    (tmp_path / "boards").rmdir()
    (tmp_path / "boards").write_text("a file")
    tell(tracker, 0)
    waiting = tracker.close(120)

    assert waiting == tracker.pending == count_waiting(place) > 0
    assert "TensorBoard folder" in " ".join(tracker.problems)
    assert tracker.link.run_id
    (tmp_path / "boards").unlink()
    assert open_tracker(place).close(120) == 0
    assert read_scalars(tmp_path / "boards" / "adult" / "0000")["score"]
