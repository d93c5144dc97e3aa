"""A suite of tests as a step: real pytest, real JUnit XML, and what is done about reports that are none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.cli.reports import Asked, written
from mainstay.engine.run import Launch
from mainstay.kinds.command import junit
from mainstay.kinds.command.junit import Malformed
from mainstay.model.errors import ConfigError
from mainstay.model.run import RunRecord, Status, Verdict

GOOD = """
import os, pytest
def test_cwd(): assert os.path.exists("test_shop.py")
def test_variable(): assert os.environ["SHOP_URL"] == "http://127.0.0.1:9/test"
@pytest.mark.skip
def test_later(): pass
"""
BAD = (
    GOOD
    + """
@pytest.fixture
def broken(): raise RuntimeError("no till")
def test_error(broken): pass
class TestPrices:
    def test_total(self): assert 2 + 2 == 5, "the sum & <more> is hunter2 wrong"
"""
)


class Tests:
    """A folder of real tests, and a site with their suite."""

    __test__ = False

    def __init__(self, folder: Path, tests: str) -> None:
        self.folder, self.file = folder, folder / "mainstay.yaml"
        (folder / "suite" / "reports").mkdir(parents=True)
        (folder / "suite" / "test_shop.py").write_text(tests, encoding="utf-8")
        (folder / "suite" / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", encoding="utf-8")
        self.argv = [sys.executable, "-m", "pytest", "-q", "--junitxml=reports/shop.xml"]
        (folder / "key").write_text("hunter2", encoding="utf-8")
        (folder / "key").chmod(0o600)

    def open(self, **more: Any) -> App:
        variables = {"SHOP_URL": "http://127.0.0.1:9/test", "KEY": {"file": str(self.folder / "key")}}
        suite = {
            "kind": "command",
            "argv": self.argv,
            "cwd": str(self.folder / "suite"),
            "environment": variables,
            "junit": "reports/*.xml",
            "against": "test",
            "neutral": True,
            "impact": "none",
            "timeout": "60s",
        }
        targets = {"suite": {**suite, **more.pop("suite", {})}, **more}
        site = {"site": "shop", "timezone": "UTC", "state": str(self.folder / "state"), "targets": targets}
        self.file.write_text(json.dumps({**site, "routines": {"weekly": {"tasks": ["suite.run"]}}}, indent=1), encoding="utf-8")
        return App.open(self.file)

    def run(self, **more: Any) -> tuple[App, RunRecord]:
        app = self.open(**more)
        return app, app.run("weekly", Launch(by="ann"))

    def failure(self, script: str) -> str:
        """Run a suite that is a shell script in the folder of the tests, and return why it failed."""
        self.argv = ["/bin/sh", "-c", script]
        record = self.run()[1]
        assert record.verdict is Verdict.FAIL
        return record.task("suite.run").steps[0].because


@pytest.mark.covers("POST-10")
def test_a_suite_runs_in_its_folder_with_its_variables_and_its_counts_are_in_the_report(tmp_path: Path) -> None:
    app, record = Tests(tmp_path, GOOD).run()
    assert record.verdict is Verdict.PASS, record.because
    [step] = record.task("suite.run").steps
    assert {one.name: one.after for one in step.measures} == {"tests": 3, "failures": 0, "errors": 0, "skipped": 1}
    text, _ = written(app, Asked(record.id, 0, False, ""), "markdown")
    assert "suite tests" in text


@pytest.mark.covers("POST-10")
def test_what_failed_is_told_by_name_and_message_and_secrets_are_masked(tmp_path: Path) -> None:
    app, record = Tests(tmp_path, BAD).run()
    assert record.verdict is Verdict.FAIL
    [step] = record.task("suite.run").steps
    assert "5 tests: 1 failed, 1 with errors, 1 skipped; exit code 1" in step.because
    lines = step.output.splitlines()
    assert "failed: test_shop.TestPrices.test_total: AssertionError: the sum & <more> is" in "\n".join(lines)
    assert any(line.startswith("error: test_shop.test_error: ") and "no till" in line for line in lines)
    text, _ = written(app, Asked(record.id, 0, False, ""), "markdown")
    assert "TestPrices.test_total" in text.replace("\\", "")
    assert "hunter2" not in text + json.dumps([event.body for event in app.journal.events(run=record.id)])


@pytest.mark.covers("POST-10")
def test_a_report_that_is_missing_stale_empty_or_broken_is_a_failure_of_its_own(tmp_path: Path) -> None:
    tests = Tests(tmp_path, GOOD)
    assert "no such file was written" in tests.failure("true")
    assert "no such file was written; exit code 3" in tests.failure("exit 3")
    assert "no test was run" in tests.failure("echo '<testsuite/>' > reports/a.xml")
    assert "it was there before, unchanged" in tests.failure("true")
    assert "not whole XML" in tests.failure("echo '<testsuite><testcase>' > reports/a.xml")
    assert "its root is <html>" in tests.failure("echo '<html/>' > reports/a.xml")
    one = '<testsuite><testcase name="a"/></testsuite>'
    assert "exit code 1" in tests.failure(f"echo '{one}' > reports/a.xml; exit 1"), "good tests do not mend a bad exit code"
    failing = one.replace("/>", "><failure/></testcase>", 1)
    assert "1 tests: 1 failed" in tests.failure(f"echo '{failing}' > reports/a.xml"), "nor the other way round"


@pytest.mark.covers("POST-10")
def test_a_suite_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    tests = Tests(tmp_path, "import time\ndef test_slow(): time.sleep(600)\n")
    record = tests.run(suite={"timeout": "3s"})[1]
    assert "still at work after 3s" in record.task("suite.run").steps[0].because


@pytest.mark.covers("POST-10")
def test_destructive_tests_are_refused_against_production_with_file_and_line(tmp_path: Path) -> None:
    tests = Tests(tmp_path, GOOD)
    with pytest.raises(ConfigError) as caught:
        tests.open(suite={"against": "production", "destructive": True})
    assert "a destructive suite is not run against production" in str(caught.value)
    assert "mainstay.yaml:6" in str(caught.value)
    with pytest.raises(ConfigError, match="say which environment the tests work on"):
        tests.open(suite={"against": ""})


@pytest.mark.covers("POST-10")
@pytest.mark.parametrize("said", ["http://localhost:9/test", "http://127.0.0.1:9/test/?reset=yes"])
def test_destructive_tests_are_refused_on_what_the_site_maintains_whatever_they_say(tmp_path: Path, said: str) -> None:
    tests = Tests(tmp_path, GOOD)
    url = {"SHOP_URL": said}
    record = tests.run(suite={"destructive": True, "environment": url}, api={"kind": "http", "url": "http://127.0.0.1:9/test"})[1]
    task = record.task("suite.run")
    assert (task.status, task.steps) == (Status.FAILED, ())
    assert "SHOP_URL is url of api (mainstay.yaml:" in task.because

    db = {"kind": "redis", "url": "redis://localhost/1"}
    same = tests.run(suite={"destructive": True, "environment": {"SHOP_URL": "redis://127.0.0.1:6379/1"}}, cache=db)[1]
    assert "SHOP_URL is url of cache" in same.task("suite.run").because
    other = {"kind": "http", "url": "http://127.0.0.1:9/live"}
    assert tests.run(suite={"destructive": True}, api=other)[1].verdict is Verdict.PASS


def test_entities_and_document_types_are_refused() -> None:
    laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
    outside = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="x">&a;</testcase></testsuite>'
    for document in (laughs, outside):
        with pytest.raises(Malformed, match="document type"):
            junit.read(document.encode())


def test_many_failures_and_long_messages_are_bounded() -> None:
    case = f'<testcase classname="a" name="t"><failure>{"x" * 5000}</failure></testcase>'
    seen = junit.read(f"<testsuites><testsuite>{case * 1000}</testsuite></testsuites>".encode())
    assert (seen.tests, seen.failures, len(seen.failing), len(seen.failing[0].message)) == (1000, 1000, 20, 300)


def test_counts_are_those_of_the_tests_and_not_of_what_a_suite_says_about_itself() -> None:
    text = """<testsuites tests="9"><testsuite tests="9" failures="9">
      <testcase name="a"><error message="first"/><failure message="second"/></testcase>
      <testcase name="b"><skipped/></testcase><testcase name="c"><system-out>no failure</system-out></testcase>
    </testsuite></testsuites>"""
    seen = junit.read(text.encode())
    assert str(seen) == "3 tests: 0 failed, 1 with errors, 1 skipped"
    assert [(one.name, one.message) for one in seen.failing] == [("a", "first")]
