"""The report as a text: nothing in names or values becomes markup, it is small, and it fetches nothing."""

import json
import re
import tomllib
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from loaded_packages import loaded_by
from written_searches import HARMLESS, HOSTILE, Words, write_search

from autokeras_lite.errors import ArtifactError, StorageError
from autokeras_lite.report import page
from autokeras_lite.report.facts import read_facts
from autokeras_lite.report.page import MOST_BYTES, REPORT_FILE, render_report, write_report
from autokeras_lite.report.trial_tables import ROWS_OF_A_PAGE

HOSTILE_NAME = '"><svg onload=alert(9)>'


class Skeleton(HTMLParser):
    """Keeps elements with their attributes, without any text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, tuple(name for name, _ in attrs)))
        values = dict(attrs)
        self.links += [values[name] or "" for name in ("href", "src", "action", "data") if name in values]
        if tag == "script":
            self.scripts.append(values.get("type"))


def skeleton_of(text: str) -> Skeleton:
    skeleton = Skeleton()
    skeleton.feed(text)
    skeleton.close()
    return skeleton


def text_of(runs: Path, words: Words | None = None, num_trials: int = 24) -> str:
    return write_report(write_search(runs, words=words, num_trials=num_trials)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return text_of(tmp_path_factory.mktemp("hostile"), Words.all_from(HOSTILE, HOSTILE_NAME))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return text_of(tmp_path_factory.mktemp("plain"))


def test_hostile_words_change_no_element_and_no_attribute(hostile: str, tmp_path: Path) -> None:
    harmless = text_of(tmp_path, Words.all_from(HARMLESS, "plain"))
    assert skeleton_of(hostile).parts == skeleton_of(harmless).parts


def test_hostile_words_are_shown_letter_by_letter(hostile: str) -> None:
    for word in HOSTILE[:-2]:
        escaped = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = escaped.replace('"', "&#34;").replace("'", "&#39;")
        assert escaped in hostile
    assert "49" not in re.findall(r">([^<]*7 \* 7[^<]*)<", hostile)


def test_letters_that_turn_the_order_round_are_left_out(hostile: str) -> None:
    assert not set("\u202e\u2066\x00\x1b") & set(hostile)
    assert "\\u202e" not in hostile


def test_every_link_stays_on_the_page(hostile: str) -> None:
    skeleton = skeleton_of(hostile)
    assert {link[:1] for link in skeleton.links} == {"#"}
    assert skeleton.scripts == ["application/json", "text/plain", None]
    assert not [name for _, names in skeleton.parts for name in names if name.startswith("on")]


def test_every_anchor_exists_once(plain: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', plain)
    assert sorted(names) == sorted(set(names))
    assert {link[1:] for link in skeleton_of(plain).links} <= set(names)
    for attribute in ("aria-labelledby", "aria-describedby"):
        assert set(re.findall(rf'\b{attribute}="([^"]+)"', plain)) <= set(names)


def test_headings_are_in_order(plain: str) -> None:
    levels = [int(tag[1]) for tag, _ in skeleton_of(plain).parts if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_policy_lets_nothing_be_fetched_and_only_our_scripts_run(plain: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', plain)
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy[1].replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe-inline" not in rules["script-src"]
    assert rules["script-src"].count("sha256-") == 2
    assert not re.search(r"https?:", policy[1])


def test_everything_that_was_promised_is_there(plain: str) -> None:
    for words in ("0.8", "90% interval", "What searching bought", "linear", "Leaderboard", "diverged", "town", "F1"):
        assert words in plain
    for figure in ("history", "curves", "parallel", "slices", "confusion", "roc", "calibration", "columns"):
        assert f'data-figure="{figure}"' in plain
    assert "autokeras-lite predict credit" in plain
    assert "--target income" in plain
    assert "Picture of The network of trial" in plain


def test_its_data_are_json_that_cannot_end_the_script(hostile: str) -> None:
    text = re.search(r'id="page-data">(.*?)</script>', hostile, re.DOTALL)
    assert text is not None
    values = json.loads(text[1])
    assert not set("<>&") & set(text[1])
    assert set(values) == {"board", "figures", "templates"}


def test_a_thousand_trials_are_small_and_the_page_begins_with_fifty(tmp_path: Path) -> None:
    text = text_of(tmp_path, num_trials=1000)
    assert len(text.encode()) < MOST_BYTES
    table = text[text.index('<table id="board">') : text.index('<div class="pager"')]
    assert table.count("<tr>") == ROWS_OF_A_PAGE + 1
    values = json.loads(re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert len(values["board"]["rows"]) == 1000


@pytest.mark.parametrize("gone", ["artifact", "blueprint", "explanation.json", "profile.json", "journal.jsonl", "all"])
def test_what_is_missing_is_left_out_and_the_rest_stays(tmp_path: Path, gone: str) -> None:
    folder = write_search(tmp_path, stopped="interrupted")
    for name in ("artifact", "blueprint", "explanation.json", "profile.json", "journal.jsonl", "baselines.json"):
        if gone in (name, "all"):
            place = folder / name
            place.rename(tmp_path / f"gone-{name}")
    text = render_report(read_facts(folder))
    assert "interrupted before its budget was spent" in text
    assert 'id="leaderboard"' in text


def test_a_page_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    folder = write_search(tmp_path)
    assert write_report(folder, tmp_path / "other.html") == tmp_path / "other.html"
    assert not (folder / REPORT_FILE).exists()


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"other\.html cannot be written"):
        write_report(write_search(tmp_path), tmp_path / "missing" / "other.html")


def test_a_folder_without_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no search"):
        write_report(tmp_path)


@pytest.mark.slow
def test_it_is_made_without_tensorflow_keras_and_mlflow(tmp_path: Path) -> None:
    folder = write_search(tmp_path)
    loaded = loaded_by(
        "from pathlib import Path\nfrom autokeras_lite.report.ending import write_both\n"
        f"write_both(Path({str(folder)!r}))"
    )
    assert not loaded & {"tensorflow", "keras", "mlflow"}


def test_the_wheel_takes_the_templates_along() -> None:
    project = Path(page.__file__).parents[2] / "pyproject.toml"
    taken = tomllib.loads(project.read_text())["tool"]["setuptools"]["package-data"]["autokeras_lite.report"]
    folder = Path(page.__file__).parent
    files = {file for pattern in taken for file in folder.glob(pattern)}
    assert set((folder / "templates").iterdir()) <= files
