"""Write TensorBoard event files: for each trial its curves, its numbers, and its hyperparameters for the HParams page.

TensorFlow stays out of it, which the driver must not start: its event writer would open its files with TensorFlow, so
only the parts of the package `tensorboard` below that are used, those that make records and pack them. Names are those
of `autokeras_lite.tracking.names`. Importing this module loads `tensorboard`: the tracker's thread does it.
"""

import io
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event as EventMessage
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.entries import trial_end_entries, trial_start_entries
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import Event, SearchRecord, TrialEnd, TrialRecord
from autokeras_lite.trial import TrialStatus

_VERSION = "brain.Event:2"
_BEGIN, _END = "begin", "end"  # in the order of the alphabet, which TensorBoard reads files in
_FILE_PREFIX = "events.out.tfevents."
_WORDS = {"true": True, "false": False}


class TensorBoardStore:
    """A folder for each trial of a search, below `folder` and the name of the search, each with two event files.

    One has the hyperparameters, one the curves and numbers. A file is written beside its place and then renamed, so
    that TensorBoard reads whole ones; a trial that begins again loses the files of its earlier attempt.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._search: SearchRecord | None = None

    @property
    def ids(self) -> tuple[str, str]:
        """Two empty texts: nothing here has an id."""
        return "", ""

    def recall(self, record: SearchRecord) -> None:
        """Hear which search later events belong to."""
        self._search = record

    def prepare(self) -> None:
        """Do nothing: every event is written at once."""

    def write(self, event: Event) -> None:
        """Write what TensorBoard can show of an event.

        Raises:
            TrackingError: the folder cannot be written.
            EventRefusedError: the search of a trial is not known.
        """
        match event:
            case SearchRecord():
                self._search = event
            case TrialRecord():
                self._begin(event)
            case TrialEnd():
                self._end(event)

    def _begin(self, record: TrialRecord) -> None:
        search, number = self._known(), record.spec.number
        values = {key: _plain(text) for key, text in trial_start_entries(search, record).params.items()}
        start = hparams_pb(values, trial_id=f"{search.name}/{number:04d}", start_time_secs=record.started)
        folder = self._trial(number)
        if not (folder / _file_name(_BEGIN, record.started)).is_file():
            with self._disk_faults():
                shutil.rmtree(folder, ignore_errors=True)
        self._write(folder, _BEGIN, record.started, [EventMessage(wall_time=record.started, summary=start)])

    def _end(self, end: TrialEnd) -> None:
        search, folder = self._known(), self._trial(end.outcome.number)
        started = _start_of(folder, end.ended - end.outcome.seconds)
        rows = float(search.data.get("training_rows", 0))
        points = trial_end_entries(started, end, training_rows=rows).points
        messages = [
            EventMessage(wall_time=p.seconds, step=p.step, summary=Summary(value=[_scalar(p.key, p.value)]))
            for p in points
        ]
        status = api_pb2.STATUS_FAILURE if end.outcome.status is TrialStatus.FAILED else api_pb2.STATUS_SUCCESS
        messages.append(EventMessage(wall_time=end.ended, summary=_session_end(status, end.ended)))
        self._write(folder, _END, end.ended, messages)

    def _known(self) -> SearchRecord:
        if self._search is None:
            raise EventRefusedError("A trial came before its search. Expected start_search: a fault of this program.")
        return self._search

    def _trial(self, number: int) -> Path:
        return self._folder / self._known().name / f"{number:04d}"

    def _write(self, folder: Path, kind: str, seconds: float, messages: Iterable[EventMessage]) -> None:
        content = io.BytesIO()
        writer = RecordWriter(content)
        for message in (EventMessage(wall_time=seconds, file_version=_VERSION), *messages):
            writer.write(message.SerializeToString())
        with self._disk_faults():
            folder.mkdir(parents=True, exist_ok=True)
            for earlier in _files(folder, kind):
                earlier.unlink()
            neighbour = folder / f"{kind}.part"
            neighbour.write_bytes(content.getvalue())
            neighbour.replace(folder / _file_name(kind, seconds))

    @contextmanager
    def _disk_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrackingError(
                f"The TensorBoard folder {str(self._folder)!r} cannot be written ({error.strerror}). Expected a folder "
                "with room for files. Free some space, or check the permissions."
            ) from error


def _file_name(kind: str, seconds: float) -> str:
    return f"{_FILE_PREFIX}{int(seconds):010d}.{kind}"


def _files(folder: Path, kind: str) -> list[Path]:
    return list(folder.glob(f"{_FILE_PREFIX}*.{kind}"))


def _start_of(folder: Path, otherwise: float) -> float:
    """Return when a trial began, in seconds since the epoch: its first file says so."""
    begun = _files(folder, _BEGIN)
    return float(begun[0].name.removeprefix(_FILE_PREFIX).partition(".")[0]) if begun else otherwise


def _scalar(key: str, value: float) -> Summary.Value:
    return Summary.Value(tag=key, simple_value=value)


def _session_end(status: int, seconds: float) -> Summary:
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=seconds)
    described = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=described, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])


def _plain(text: str) -> bool | float | str:
    """Return a number or a truth where a text spells one: TensorBoard draws an axis of numbers for it.

    Example:
        >>> _plain("0.5"), _plain("true"), _plain("[64, 32]")
        (0.5, True, '[64, 32]')
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        return float(text)
    except ValueError:
        return text
