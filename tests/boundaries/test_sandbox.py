"""The sandbox: whatever a child does, the parent gets an outcome or a sentence, and nothing stays behind."""

import asyncio
import json
import os
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from sandbox_tasks import compute

from boundaries.errors import BoundaryError, Stopped, Undecided, Unreadable
from boundaries.sandbox import Outcome, run, run_and_wait
from boundaries.task import Limits, Task


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Children's folders are made in one of the test's, which is empty afterwards."""
    folder = tmp_path_factory.mktemp("children")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def task(name: str, /, limits: Limits | None = None, reads: tuple[Path, ...] = (), **arguments: Any) -> Task:
    return Task(function=f"sandbox_tasks.{name}", arguments=arguments, limits=limits or Limits(), reads=reads)


def value(name: str, /, **arguments: Any) -> Any:
    return run_and_wait(task(name, **arguments), lambda outcome: outcome.value)


def refusal(name: str, kind: type[BoundaryError], **arguments: Any) -> str:
    with pytest.raises(kind) as refused:
        value(name, **arguments)
    return str(refused.value)


def test_a_function_gets_its_arguments_tells_its_progress_and_gives_its_value() -> None:
    told: list[tuple[str, int, int]] = []
    got = run_and_wait(task("double", number=21), lambda outcome: outcome.value, lambda *line: told.append(line))
    assert got == 42
    assert told == [("stage 0", 0, 3), ("stage 1", 1, 3), ("stage 2", 2, 3)]


def test_files_are_there_for_the_one_who_takes_them_and_gone_afterwards() -> None:
    def take(outcome: Outcome) -> tuple[str, Path]:
        return outcome.file("out.txt").read_text(), outcome.folder

    text, folder = run_and_wait(task("write", name="out.txt", text="hello"), take)
    assert text == "hello"
    assert not folder.exists()


def test_refusals_and_questions_of_the_function_come_as_they_were() -> None:
    assert refusal("refuse", Unreadable) == "It is a picture."
    with pytest.raises(Undecided, match="Which layer") as asked:
        value("ask")
    assert (asked.value.option, asked.value.choices) == ("layer", ("one", "two"))


def test_a_fault_of_ours_is_called_one() -> None:
    assert "fault of this program (RuntimeError: a bug of ours)" in refusal("fail", Stopped)


@pytest.mark.parametrize(
    ("name", "limits", "told"),
    [
        ("hog", Limits(memory_bytes=1024**3), "more than 1024 MB of memory"),
        ("spin", Limits(cpu_s=1), "more than 1 s of computing"),
        ("hang", Limits(wall_s=1.0), "longer than 1 s"),
    ],
)
def test_who_uses_too_much_is_stopped_with_the_limit_named(name: str, limits: Limits, told: str) -> None:
    assert told in refusal(name, Stopped, limits=limits)


def test_a_file_can_not_grow_beyond_its_limit() -> None:
    assert "File too large" in refusal("swell", Stopped, limits=Limits(file_bytes=1024**2))


def test_a_crash_is_told_and_so_is_an_end_without_a_word() -> None:
    assert "crashed (SIGSEGV)" in refusal("die", Unreadable, number=int(signal.SIGSEGV))
    assert "crashed (SIGABRT)" in refusal("die", Unreadable, number=int(signal.SIGABRT))
    assert "killed from outside" in refusal("die", Stopped, number=int(signal.SIGKILL))
    assert "without a result" in refusal("leave", Unreadable)


@pytest.mark.parametrize(
    ("text", "times"), [("rubbish\n", 1), ("[1]\n", 1), ('{"done": "x"}\n', 1), ("x", 200_000), ("\xff\n", 1)]
)
def test_who_prints_rubbish_is_stopped(text: str, times: int) -> None:
    assert "went wrong" in refusal("babble", Unreadable, text=text, times=times)


def test_a_child_that_claims_to_be_done_without_a_result_is_not_believed() -> None:
    assert "went wrong" in refusal("babble", Unreadable, text='{"done": true}\n', times=1)


def test_a_link_in_the_folder_is_not_followed() -> None:
    with pytest.raises(Unreadable, match="went wrong"):
        run_and_wait(task("link", target="/etc/passwd"), lambda outcome: outcome.file("out.txt").read_text())


def test_no_other_file_can_be_read_or_written(tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("canary")
    assert value("peek", path=str(canary)) == "PermissionError"
    assert value("peek", path=str(Path(__file__).parent.parent / "places.csv")) == "PermissionError"
    assert value("peek", path=str(canary), reads=(canary,)) == "canary"
    assert value("scribble", path=str(canary), reads=(canary,)) == "PermissionError"
    assert value("scribble", path=str(tmp_path / "new.txt")) == "PermissionError"
    assert canary.read_text() == "canary"


def test_there_is_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert value("call", port=server.getsockname()[1]) in ("PermissionError", "OSError", "ConnectionRefusedError")


def test_the_child_is_alone_and_knows_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOFENCE_SECRET", "hush")
    found = value("surroundings")
    assert "GEOFENCE_SECRET" not in found["environment"]
    assert found["cwd"] == found["folder"]
    assert found["session"]
    assert not found["modules"]


def test_cancelling_ends_the_child_at_once() -> None:
    async def story() -> float:
        cancel, begun = asyncio.Event(), time.monotonic()

        def on_progress(stage: str, done: int, total: int) -> None:
            cancel.set()

        with pytest.raises(Stopped, match="cancelled"):
            await run(task("hang"), lambda outcome: None, on_progress, cancel)
        return time.monotonic() - begun

    assert asyncio.run(story()) < 10


def test_a_cancelled_task_of_the_loop_takes_its_child_with_it() -> None:
    async def story() -> None:
        begun = asyncio.Event()
        running = asyncio.create_task(run(task("hang"), lambda outcome: None, lambda *_: begun.set()))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert not any("sandboxed" in Path(f"/proc/{one}/cmdline").read_text() for one in children)


def test_the_loop_goes_on_while_a_child_works() -> None:
    async def story() -> int:
        beats = 0
        running = asyncio.create_task(run(task("hang", limits=Limits(wall_s=1.0)), lambda outcome: None))
        while not running.done():
            await asyncio.sleep(0.01)
            beats += 1
        assert isinstance(running.exception(), Stopped)
        return beats

    assert asyncio.run(story()) > 30


def test_code_of_the_core_that_is_compiled_is_not_compiled_again() -> None:
    compute(Path(), lambda *_: None)  # now it is, for all processes
    assert value("compute") == [1, 0]


def test_arguments_must_be_json() -> None:
    with pytest.raises(TypeError):
        value("double", number=Path("x"))
    assert json.dumps(value("double", number=4)) == "8"
