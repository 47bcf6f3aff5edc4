"""What README and docs say is true: their Python runs, their commands exist, their links lead somewhere."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sneuron import cli
from sneuron.explore import atlas, filed, studyfile
from sneuron.explore.studyfile import AtlasFile, StudyFile, Text

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("workflows/**/*.md")]
)
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/sneuron run workflows/real_cell_map.toml",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Line and text of the fenced blocks of a language."""
    text = page.read_text(encoding="utf8")
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: m.start()].count("\n") + 2, re.sub(rf"^{m[1]}", "", m[2], flags=re.MULTILINE)) for m in found]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: str(p.relative_to(ROOT)))
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": f"page_{page.stem}"}
    for line, text in blocks(page, "python"):
        exec(compile("\n" * (line - 1) + text, str(page), "exec"), names)
    import matplotlib.pyplot as plt

    plt.close("all")


def test_readme_has_the_two_commands():
    commands = [text.strip() for _, text in blocks(ROOT / "README.md", "sh")]
    assert commands[:2] == COMMANDS


def test_readme_shows_a_picture_before_its_commands():
    text = (ROOT / "README.md").read_text(encoding="utf8")
    picture = re.search(r"!\[[^\]]+\]\((docs/img/.+\.png)\)", text)
    assert picture
    assert (ROOT / picture[1]).stat().st_size > 10_000
    assert picture.start() < text.index(COMMANDS[0])


@each_page
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf8"))
    assert [t for t in targets if not (page.parent / t).exists()] == []


@each_page
def test_commands_of_ours_are_commands(page):
    for _, text in blocks(page, "sh"):
        for line in re.findall(r"(?:^|&& |/)sneuron (.+?)(?:\s+#.*|\s*&&.*|)$", text, re.MULTILINE):
            words = shlex.split(line)
            command = cli.main.commands[words[0]]
            if isinstance(command, click.Group) and words[1:2] and words[1] in command.commands:
                command = command.commands[words[1]]
            options = {option for p in command.params if isinstance(p, click.Option) for option in p.opts}
            assert {w for w in words if w.startswith("--")} <= options, line


@each_page
def test_study_files_of_a_page_are_study_files(page, tmp_path):
    for number, (_, text) in enumerate(blocks(page, "toml")):
        if "schema" not in tomllib.loads(text):
            continue
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        read = studyfile.read_any(file)
        if isinstance(read, studyfile.AtlasRead):
            assert atlas.panels_of(read)
        else:
            assert filed.plan_of(read).space.size > 0


def tables(kind: type[Text]) -> Iterator[type[Text]]:
    """All tables that a study file may have."""
    yield kind
    for field in kind.model_fields.values():
        for inner in re.findall(r"studyfile\.(\w+)", repr(field.annotation)):
            yield from tables(getattr(studyfile, inner))


def test_every_key_of_a_study_file_is_documented():
    page = (ROOT / "docs" / "study-file.md").read_text(encoding="utf8")
    kinds = [*tables(StudyFile), *tables(AtlasFile)]
    keys = {f.alias or name for table in kinds for name, f in table.model_fields.items()}
    assert len(keys) > 40
    assert {"atlas", "columns"} <= keys
    assert [key for key in sorted(keys) if not re.search(rf"`{key}`|\[{key}\]|\[{key}\.", page)] == []


def test_no_page_holds_a_placeholder():
    marks = re.compile(r"TO" r"DO|TB" r"D|FIX" r"ME|lorem ipsum|coming soon", re.IGNORECASE)
    assert [str(p) for p in PAGES if marks.search(p.read_text(encoding="utf8"))] == []
