from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay import config
from mainstay.model.errors import ConfigError
from mainstay.model.plan import Impact
from mainstay.model.setting import Place, SecretRef
from mainstay.model.target import Origin
from mainstay.model.task import Site
from mainstay.model.units import Duration, Share, Size

Load = Callable[..., Site]

SITE = """\
site: demo
timezone: Europe/Berlin
targets:
  app:
    kind: store
    path: /srv/app.db
    password: {env: APP_PASSWORD}
    expect: {within: 100ms, json: {a: [1, true, x]}}
    keep:
      daily: 7
    runs_in: {container: app-1}
  safe: {kind: store, path: /safe, of: [app], most: 10MB, tries: forever}
  web: {kind: web}
routines:
  weekly:
    cadence: weekly
    around: [web.pause]
    checks: [app.check]
    tasks:
      - safe.copy: {budget: 10m}
      - app.vacuum:
          free_share: 30%
          needs: [safe.copy]
          category: system
    proof: {of: [app], within: 8d}
    rollback: 15m
  daily: {tasks: [app.vacuum: {stall: 10ms}], window: weekly}
windows:
  weekly: {rule: sunday 02:00, length: 4h, max_impact: blocks_writes}
"""
HEAD = "site: demo\ntimezone: Europe/Berlin\n"


def test_a_target_has_typed_settings_a_place_and_the_line_of_each_value(written: Load) -> None:
    app = written(SITE).targets["app"]
    assert (app.settings.path, app.settings.password) == (Path("/srv/app.db"), SecretRef("env", "APP_PASSWORD"))
    assert app.settings.expect.within == Duration(0.1)
    assert app.settings.expect.json == {"a": [1, True, "x"]}
    assert app.place == Place("app-1")
    assert app.origin == Origin("mainstay.yaml", 4)
    assert (app.origins["path"].line, app.origins["expect.within"].line, app.origins["keep.daily"].line) == (6, 8, 10)


def test_sizes_shares_and_unions_are_read_as_their_setting_wants_them(written: Load) -> None:
    safe = written(SITE).targets["safe"].settings
    assert safe.most == Size(10_000_000)
    assert isinstance(safe.most, Size)
    assert safe.tries == "forever"
    assert written(SITE.replace("tries: forever", "tries: 5")).targets["safe"].settings.tries == 5


@pytest.mark.covers("SCH-01")
def test_one_task_may_be_in_several_routines_with_other_parameters_and_categories(written: Load) -> None:
    site = written(SITE)
    weekly, daily = site.routines["weekly"].tasks[1], site.routines["daily"].tasks[0]
    assert weekly.id == daily.id == "app.vacuum"
    assert (weekly.params.free_share, daily.params.free_share) == (Share(0.3), Share(0.2))
    assert (weekly.category, daily.category) == ("system", "data")
    assert weekly.origins["free_share"] == Origin("mainstay.yaml", 22)
    assert weekly.origins["path"] == Origin("mainstay.yaml", 6)
    assert "free_share" not in daily.origins


@pytest.mark.covers("SCH-01")
@pytest.mark.parametrize("cadence", ["daily", "weekly", "monthly", "quarterly", "semiannual", "yearly", "continuous"])
def test_a_routine_may_have_each_cadence(written: Load, cadence: str) -> None:
    assert written(SITE.replace("cadence: weekly", f"cadence: {cadence}")).routines["weekly"].cadence == cadence


def test_a_routine_runs_in_its_window_or_in_the_one_of_its_name(written: Load) -> None:
    site = written(SITE)
    assert (site.routines["weekly"].window, site.routines["daily"].window) == ("weekly", "weekly")
    assert site.windows["weekly"].max_impact is Impact.BLOCKS_WRITES
    assert written(SITE.replace(", window: weekly", "")).routines["daily"].window == ""


def test_a_proof_and_the_lengths_of_a_routine_are_kept(written: Load) -> None:
    weekly = written(SITE).routines["weekly"]
    assert weekly.proof is not None
    assert (weekly.proof.of, timedelta(seconds=weekly.proof.within).days) == (("app",), 8)
    assert weekly.rollback == Duration(900)


def test_included_files_are_merged_and_keep_their_own_lines(written: Load) -> None:
    one = "targets:\n  one: {kind: store, path: /one}\n"
    two = "\ntargets:\n  two: {kind: store, path: /two}\nroutines:\n  daily: {tasks: [one.copy]}\n"
    site = written(HEAD + "include: [conf.d/*.yaml, more.yaml]\n", conf_d__one=one, more=two)
    assert site.targets["one"].origin == Origin("conf.d/one.yaml", 2)
    assert site.targets["two"].origin == Origin("more.yaml", 3)
    assert [file.name for file in site.files] == ["mainstay.yaml", "one.yaml", "more.yaml"]


def test_a_name_in_two_files_is_told_with_both_lines(mistakes: Callable[..., list[str]]) -> None:
    told = mistakes(HEAD + "include: [b.yaml]\ntargets:\n  app: {kind: web}\n", b="site: x\ntargets:\n  app: {kind: web}\n")
    assert told == [
        "b.yaml:1: site: is there twice: mainstay.yaml:1 and b.yaml:1; keep one of them",
        "b.yaml:3: targets.app: is there twice: mainstay.yaml:5 and b.yaml:3; keep one of them",
    ]


def test_includes_that_lead_in_a_circle_are_told(mistakes: Callable[..., list[str]]) -> None:
    told = mistakes(HEAD + "include: [b.yaml]\n", b="include: [mainstay.yaml]\n")
    assert told == ["b.yaml:1: include: the files include one another: mainstay.yaml -> b.yaml -> mainstay.yaml"]


def test_an_included_file_that_is_not_there_is_told_at_the_line_that_names_it(mistakes: Callable[..., list[str]]) -> None:
    (told,) = mistakes(HEAD + "include:\n  - conf.d/none.yaml\n")
    assert told == "mainstay.yaml:4: include: there is no conf.d/none.yaml"


def test_wildcards_do_not_walk_the_whole_machine(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(HEAD + "include: [/*/*.yaml]\n") == [
        "mainstay.yaml:3: include: /*/*.yaml: wildcards may only stand in the file name"
    ]


def test_a_task_runs_alone_as_its_routine_has_it(written: Load, kinds: config.Kinds) -> None:
    task = config.task(written(SITE), kinds, "app.vacuum", {"stall": "1s"})
    assert (task.params.free_share, task.params.stall, task.needs) == (Share(0.3), Duration(1), ())
    assert task.origins["stall"] == Origin("command line", 1)


def test_a_task_of_no_routine_runs_alone_with_defaults_and_given_values(written: Load, kinds: config.Kinds) -> None:
    task = config.task(written(SITE), kinds, "safe.vacuum", {"free_share": Share(0.5)})
    assert (task.params.free_share, task.params.stall, task.category) == (Share(0.5), Duration(5), "data")


@pytest.mark.parametrize(
    ("id", "params", "told"),
    [
        ("app.vacum", {}, "did you mean vacuum?"),
        ("ap.vacuum", {}, "did you mean app?"),
        ("app.vacuum", {"stal": "1s"}, "did you mean stall?"),
        ("app.vacuum", {"stall": "2h"}, "command line:1: app.vacuum.stall: 2h is too large; the most is 1h"),
        ("safe.vacuum", {"stall": "[1"}, "not YAML"),
    ],
)
def test_a_wrong_call_is_told_like_a_wrong_file(
    written: Load, kinds: config.Kinds, id: str, params: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError, match="cannot") as caught:
        config.task(written(SITE), kinds, id, params)
    assert told in str(caught.value)


@pytest.mark.covers("SCH-10")
def test_a_routine_whose_budgets_exceed_its_window_is_refused(mistakes: Callable[..., list[str]]) -> None:
    (told,) = mistakes(SITE.replace("budget: 10m", "budget: 230m"))
    assert "needs 4h5m (safe.copy 3h50m + rollback 15m), and window weekly lasts 4h (mainstay.yaml:29)" in told
    assert told.endswith("lengthen the window or lower budgets by 5m")


def test_a_secret_in_the_environment_is_a_warning_with_its_line(written: Load) -> None:
    warning = config.warnings(written(SITE))[0]
    assert str(warning).startswith("mainstay.yaml:7: targets.app.password: the environment variable APP_PASSWORD")


def test_routines_without_a_channel_are_a_warning_and_with_one_they_are_not(written: Load) -> None:
    channel = 'notify:\n  hook: {webhook: {url: "https://example.org/in"}}\n'
    told = [[str(one) for one in config.warnings(written(text))] for text in (SITE, SITE + channel)]
    assert ["nobody is told when a run fails" in "".join(warnings) for warnings in told] == [True, False]


def test_a_cron_line_that_joins_its_days_by_or_is_a_warning(written: Load) -> None:
    site = written(HEAD + 'windows:\n  first: {rule: "cron: 0 2 1-7 * 0", length: 1h}\n')
    told = str(config.warnings(site)[0])
    assert "due 124 times in 2026" in told
    assert "write 'first sunday 02:00' if it was to be due 12 times" in told


def test_every_value_is_explained_by_its_line_or_as_a_default(written: Load, kinds: config.Kinds) -> None:
    told = [str(item) for item in config.explain(written(SITE), kinds, "app.vacuum")]
    assert told[1:3] == [
        "routines.weekly.app.vacuum.free_share = 30 % (mainstay.yaml:22): vacuum above this share of free pages",
        "routines.weekly.app.vacuum.stall = 5s (default): longest stall",
    ]
    settings = [str(item) for item in config.explain(written(SITE), kinds, "targets.app")]
    assert "targets.app.expect.within = 100ms (mainstay.yaml:8): slowest answer" in settings
    assert "targets.app.password = secret from env (mainstay.yaml:7): its password" in settings
