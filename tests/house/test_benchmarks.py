"""The benchmarks run, small: each prints a row for every system, with figures in it."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.own_model.killed import cost_of
from benchmarks.own_model.load import Asked
from benchmarks.own_model.systems import lines_of
from benchmarks.turns import Turn, schedule, shares

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def rows_of(module: str, *arguments: str) -> dict[str, list[float]]:
    """A benchmark's table: the figures of each row by its first cell."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip("|").split("|") for line in done.stdout.splitlines() if line.startswith("| ")][2:]
    return {
        name.strip(): [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", "|".join(cells))]
        for name, *cells in lines
    }


def test_submit_compares_a_job_with_a_chord_in_both_languages() -> None:
    rows = rows_of("submit", "--paragraphs", "300")
    assert len(rows) == 4
    for language in ("English", "Vietnamese"):
        chord, ours = rows[f"Celery chord, {language}"], rows[f"slotline, {language}"]
        assert ours[0] < chord[0], "submitting one job takes less time than a chord"
        assert ours[-2] < chord[-2], "its keys take less of Redis; used_memory also counts what Redis does meanwhile"


def test_overhead_measures_every_system_near_to_redis_and_far_from_it() -> None:
    rows = rows_of("overhead", "--scale", "0.05", "--pairs", "1", "--only", "10 ms, singly")
    singly = {name.removeprefix("10 ms, singly: "): figures for name, figures in rows.items() if "singly:" in name}
    assert set(singly) == {"slotline", "huey", "Celery", "bare model"}
    for name, (per_s, share, *_) in singly.items():
        assert share == pytest.approx(per_s * 0.01, abs=0.002), name
        assert 0 < share < 1, name
    far = [name for name in rows if name.startswith("10 ms, singly, Redis 1 ms away: ")]
    assert len(far) == 3


def test_overhead_tells_the_median_and_the_spread_of_rounds_in_turn() -> None:
    rows = rows_of("overhead", "--scale", "0.05", "--pairs", "2", "--only", "50 ms, batches of 16")
    slot, bare = rows["50 ms, batches of 16: slotline"], rows["50 ms, batches of 16: bare model"]
    for per_s, lowest_per_s, highest_per_s, share, *_ in (slot, bare):
        assert lowest_per_s <= per_s <= highest_per_s
        assert share == pytest.approx(per_s * 0.05 / 16, abs=0.002)
    ratio, lowest, highest = bare[6:9]
    assert 0 < lowest <= ratio <= highest < 1.1


def test_overhead_sees_how_fast_short_operations_are_in_a_slot() -> None:
    rows = rows_of("overhead", "--scale", "0.05", "--pairs", "1", "--only", "short operations, singly")
    assert len(rows) == 4
    for case in ("short operations, singly", "short operations, singly, pipeline off"):
        slot, bare = rows[f"{case}: slotline"], rows[f"{case}: bare model"]
        assert 0 < slot[1] < 1
        assert bare[3] == pytest.approx(slot[2] / bare[2], abs=0.05)


def test_assembly_compares_a_chapters_end_with_cat() -> None:
    rows = rows_of("assembly", "--parts", "300", "--kb", "20", "--pairs", "1")
    cat_s, chapter_s, times = rows["300 parts of 20 KB"][:3]
    assert 0 < cat_s < chapter_s
    assert times == pytest.approx(chapter_s / cat_s, rel=0.5)


def test_recovery_sees_a_killed_workers_job_begin_again_within_the_lease() -> None:
    rows = rows_of("recovery", "--only", "slotline")
    assert set(rows) == {"slotline"}
    assert 0 < rows["slotline"][0] < 10, "a lease of 5 s, and a busy machine"


def test_batching_holds_slotline_against_the_bare_model_and_a_server() -> None:
    rows = rows_of(
        "batching", "--tiny", "--texts", "64", "--pairs", "1", "--subjects", "bart", "--only", "batches of 16"
    )
    slot, bare, server = (rows[f"batches of 16: {name}"] for name in ("slotline", "bare `generate`", "LitServe"))
    assert len(rows) == 3
    for other in (bare, server):
        assert other[2] == pytest.approx(slot[0] / other[0], rel=0.01)
    assert 0 < slot[1] < 1, "by the model's own clock"
    assert 0 < server[1] < 1


@pytest.mark.timeout(400)
def test_kokoro_holds_two_slots_against_a_bare_loop_and_a_server(kokoro_folder: Path) -> None:
    rows = rows_of("kokoro", "--model", str(kokoro_folder), "--parts", "4", "--pairs", "1")
    ours, bare, server = (rows[name] for name in ("slotline", "bare loop", "LitServe, one instance"))
    for other in (bare, server):
        assert other[1] == pytest.approx(other[0] / ours[0], abs=0.02)
    assert 0 < ours[1] < ours[0], "the first piece is there before the whole"
    assert 0 < ours[2] <= 1, "the share by the model's own clock"
    assert bare[-2] == server[-1], "the same sound"


@pytest.mark.timeout(400)
def test_batching_holds_kokoro_against_the_bare_model(kokoro_folder: Path) -> None:
    case = "Kokoro, one by one"
    wanted = ("--pairs", "1", "--texts", "1", "--subjects", "kokoro", "--only", case)
    rows = rows_of("batching", "--kokoro", str(kokoro_folder), *wanted)
    slot, bare = rows[f"{case}: slotline"], rows[f"{case}: bare model"]
    assert bare[2] == pytest.approx(slot[0] / bare[0], rel=0.05)
    assert 0 < slot[1] <= 1, "by the model's own clock"


@pytest.mark.timeout(400)
def test_kokoros_memory_is_told_while_it_speaks_and_after_an_unload(kokoro_folder: Path) -> None:
    rows = rows_of("kokoro_memory", "--model", str(kokoro_folder), "--sentences", "4", "--every", "2")
    spoken = [rows[f"after {number} sentences"][0] for number in (2, 4)]
    assert min(spoken) > rows["unloaded"][0]
    assert 0 < rows["share of the second load that its unload frees"][0] < 1.5


def test_lifecycle_times_a_start_and_sees_an_unload() -> None:
    rows = rows_of("lifecycle", "--tiny", "--rounds", "1")
    bare_s, worker_s = (
        rows[f"{name} (median of 1)"][-1] for name in ("import and load, bare", "worker's start to ready")
    )
    assert rows["ratio"][0] == pytest.approx(worker_s / bare_s, abs=0.02)
    before, loaded, _ = rows["the child before any load, with a model, without it again"]
    assert before < loaded


def test_scale_weighs_what_slots_and_parts_cost_redis() -> None:
    rows = rows_of("scale", "--slots", "2", "--jobs", "1", "3", "--parts", "60", "--rate", "20")
    idle, one, three = (rows[f"slots: 2, {what}"] for what in ("idle", "open jobs: 1", "open jobs: 3"))
    assert len(idle) == 4
    for per_s, share, cpu_us, commands, network_kib, memory_kib, parts in (one, three):
        assert 0 < per_s < 25
        assert 0 < share <= 1.1
        assert min(cpu_us, commands, network_kib, memory_kib) > 0
        assert parts in (60, 20)


def test_registry_loads_each_model_once_where_slots_that_hold_one_are_preferred() -> None:
    rows = rows_of("registry", "--models", "12", "--slots", "2", "--rounds", "3", "--ms", "10", "--load-ms", "100")
    assert set(rows) == {"preferred", "to anybody", "stretches", "films"}
    assert all(12 <= rows[name][0] <= 1.2 * 12 for name in ("preferred", "stretches", "films")), rows
    assert rows["to anybody"][0] > rows["preferred"][0]


def test_own_model_holds_the_example_against_a_server_and_its_answers_against_the_network(
    model_packages: None,
) -> None:
    wanted = ("--only", "LitServe", "--inputs", "64", "--seconds", "0.5", "--pairs", "1", "--kill-seconds", "6")
    rows = rows_of("own_model", *wanted, "--kills", "1")
    ours, server = rows["slotline"], rows["LitServe"]
    # The rows of the second table have replaced those of the first.
    lost, twice, silence_s = ours
    assert lost == 0, "what the killed process had begun is computed again"
    assert 0 < twice <= 2 * 16
    assert 0 < silence_s < 6
    assert server[0] > 0, "what the killed process had begun is an error of its client"


def test_lipsync_tells_what_a_frame_takes_beside_the_network(model_packages: None) -> None:
    rows = rows_of("lipsync", "--only", "stages", "--tiny", "--film-seconds", "4")
    slots = {name: figures for name, figures in rows.items() if figures}
    assert set(slots) == {"png", "jpg", "film", "png, prepared"}
    for per_s, share, cpus, *others in slots.values():
        assert share == pytest.approx(per_s * 0.006, abs=0.002)
        assert min(share, cpus) > 0
        assert len(others) >= 6


def test_lipsync_tells_which_frames_of_a_conversation_are_in_time() -> None:
    rows = rows_of("lipsync", "--only", "conversation", "--people", "3", "--seconds", "10", "--slots", "1", "--where")
    frames, first, smooth, _, unlucky, left_behind, busy, *cpus = rows["3"]
    assert 0 <= unlucky <= frames <= 100
    assert 0 <= smooth <= first <= 100
    assert left_behind == 0
    assert 0 < busy < 1
    assert all(cpus)
    waits = rows["later stretches, median"]
    assert len(waits) == 9
    assert waits[4] >= 1000 * 25 / 150, "the time that the model takes for a stretch"


def test_the_cost_of_a_kill_is_what_clients_and_the_processes_saw() -> None:
    def asked(ended_s: float, error: str = "") -> Asked:
        return Asked("", ended_s - 0.1, ended_s, None if error else {}, error)

    found = [asked(1.0), asked(2.1, "Refused: 500, and why"), asked(2.2), asked(5.0), asked(5.5), asked(9.9)]
    cost = cost_of(found, ["a", "b", "a", "a", "c"], killed_s=2.0, ends_s=10.0)
    assert (cost.lost, cost.twice, cost.needs_hand, cost.errors) == (1, 2, False, ("Refused: 500",))
    assert cost.silence_s == pytest.approx(4.4)
    gone = cost_of([asked(1.0), asked(9.0, "TimeoutError")], ["a"], killed_s=2.0, ends_s=10.0)
    assert (gone.needs_hand, gone.silence_s) == (True, 8.0)


def test_lines_that_somebody_writes_are_neither_blank_nor_comments_nor_docstrings(tmp_path: Path) -> None:
    source = tmp_path / "own.py"
    source.write_text(
        '"""Says\nwhat."""\n\nimport os  # counts\n# not this\n\ndef f():\n    """No."""\n    return os\n'
    )
    assert lines_of(source) == 3
    table = tmp_path / "models.toml"
    table.write_text('# a comment\n[models.own]\nadapter = "own"\n')
    assert lines_of(table) == 2


def test_a_frame_is_in_time_until_its_own_moment_and_a_film_that_is_not_whole_leaves_someone_behind() -> None:
    good = Turn(1, 0.0, 2, began_s=100.0, out_s={0: 101.0, 1: 102.0})
    late = Turn(2, 0.0, 2, began_s=100.0, out_s={0: 101.5})
    found = shares([good, late])
    assert good.frames_in_time() == 50
    assert late.frames_in_time() == 12, "frames 13 to 24 of the stretch that was out half a second late"
    assert (found.turns, found.first, found.smooth, found.left_behind) == (2, 0.5, 0.5, 1)
    assert found.frames == pytest.approx(62 / 100)
    assert found.unlucky == pytest.approx(12 / 50)
    assert found.worst_late_s == pytest.approx(0.5)


def test_each_person_speaks_once_in_a_period_and_never_twice_at_once() -> None:
    turns = schedule(people=20, lasts_s=150, period_s=15, speaks_s=4)
    assert turns == sorted(turns, key=lambda turn: turn.planned_s)
    assert 0.9 * 200 < len(turns) < 1.1 * 200
    for person in range(20):
        begins = [turn.planned_s for turn in turns if turn.person == person]
        assert all(after - before >= 4 for before, after in itertools.pairwise(begins))
