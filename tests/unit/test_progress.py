"""What is shown while a study runs."""

import io

from sneuron.explore.progress import Progress, duration_text, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_says_share_points_failures_rate_and_rest() -> None:
    out = Terminal()
    bar = Progress(4, 400, stream=out)
    bar.start(1, {"ok": 100})
    bar._began = (bar._began[0] - 10.0, 100)
    bar.add({"ok": 98, "diverged": 2})
    bar.end("done")
    last = out.getvalue().split("\r")[-1]
    assert "[############------------]  50.0%" in last
    assert "200 of 400 points, 2 failed, " in last
    assert "10 points/s, done" in last
    assert last.endswith("\n")
    assert "20 s left" in bar.line()


def test_nothing_is_shown_where_nobody_looks() -> None:
    out = io.StringIO()
    bar = Progress(1, 1, stream=out)
    bar.start(0, {})
    bar.add({"ok": 1})
    bar.end("done")
    assert out.getvalue() == ""
    assert not shown(out)
    asked = Progress(1, 1, show=True, stream=out)
    asked.start(0, {})
    asked.end("stopped")
    assert "stopped" in out.getvalue()


def test_times_in_words() -> None:
    texts = {
        0.25: "0.2 s",
        59.0: "59 s",
        61.0: "1 min 1 s",
        3700.0: "1 h 1 min",
        200_000.0: "2 d 7 h",
        float("inf"): "years",
    }
    assert {seconds: duration_text(seconds) for seconds in texts} == texts
