"""What somebody in a hurry meets: a headline that must not comfort, slips of the keyboard, a folder that is closed."""

from __future__ import annotations

import ctypes
import os

import pytest

from tests.cli.shop import Shop


def test_the_headline_of_status_is_the_worst_of_everything_and_not_of_targets_alone(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    configuration.write_text(
        f"site: corner-shop\ntimezone: Europe/Berlin\nstate: {shop.folder}/state\n"
        f"targets:\n  db: {{kind: sqlite, path: {shop.folder}/shop.db}}\n"
        "  bad: {kind: command, argv: [/bin/false], neutral: true}\nroutines:\n  bad: {tasks: [bad.run]}\n"
    )
    shop.run("check")
    assert shop.run("status").startswith("corner-shop  OK\n2 ok\n")
    shop.run("run", "bad", "--yes", code=1)
    assert shop.run("status").startswith("corner-shop  NEEDS YOU\n2 ok\n")
    shop.run("emergency", "open", "--severity", "S1", "--reason", "the shop is down")
    assert shop.run("status").startswith("corner-shop  EMERGENCY\n1 emergency, 2 ok\n")


def test_a_slip_names_the_nearest_command_and_an_option_by_its_name_alone(shop: Shop) -> None:
    assert "Did you mean 'status'?" in shop.run("statsu", code=2)
    told = shop.run("emergency", "close", "last", code=2)
    assert "Missing option '--resolution'." in told
    assert "env var" not in shop.run("--config", "/nosuch", "windows", "--days", "0", code=2)
    assert "exclude each other" in shop.run("windows", "--ical", "--json", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("emergency", "open", "--severity", "S1", "--reason", " "),
        ("emergency", "note", "last", ""),
        ("blackout", "add", "fair", "--for", "1h", "--reason", ""),
        ("window", "add", "daily", "--at", "2099-01-01 02:00", "--for", "1h", "--reason", ""),
    ],
)
def test_a_text_that_people_will_read_says_something(shop: Shop, words: tuple[str, ...]) -> None:
    assert "say it in words" in shop.run(*words, code=2)


def test_times_are_told_in_the_zone_of_the_site(shop: Shop) -> None:
    words = ("blackout", "add", "fair", "--from", "2027-07-02", "--until", "2027-07-01", "--reason", "the fair")
    assert "it ends 2027-07-01 00:00 CEST" in shop.run(*words, code=3)
    assert "UTC" not in shop.run("why", "db.optimize").splitlines()[1]


def test_a_length_beyond_every_calendar_is_no_length(shop: Shop) -> None:
    words = ("blackout", "add", "fair", "--for", "99999999999d", "--reason", "the fair")
    assert "longer than a hundred years" in shop.run(*words, code=2)
    configuration = shop.folder / "mainstay.yaml"
    configuration.write_text(configuration.read_text().replace("length: 1h", "length: 4000000w"))
    (line,) = (number for number, text in enumerate(configuration.read_text().splitlines(), 1) if "4000000w" in text)
    assert f"mainstay.yaml:{line}: windows.night.length: '4000000w' is longer" in shop.run("check-config", code=2)


def test_a_service_for_no_time_ends_at_once(shop: Shop) -> None:
    assert "0ms are over" in shop.run("serve", "--for", "0s")


def test_a_secret_that_no_channel_could_use_is_told_before_anybody_needs_it(shop: Shop) -> None:
    configuration, secret = shop.folder / "mainstay.yaml", shop.folder / "hook"
    with configuration.open("a") as file:
        file.write(f"notify:\n  chat: {{slack: {{url: {{file: {secret}}}}}}}\n")
    assert f"notify.chat.slack.url: cannot read the secret file {secret}" in shop.run("check-config")
    secret.write_text("https://chat.example/hook\n")
    assert f"can be read by others; chmod 600 {secret}" in shop.run("check-config")
    secret.chmod(0o600)
    assert "notify.chat" not in shop.run("check-config")


def test_output_that_finds_no_room_is_no_bug(shop: Shop) -> None:
    with open("/dev/full", "w") as full:
        told = shop.run("windows", stdout=full, code=1)
    assert told == "error: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_may_not_open_the_state_folder_can_check_the_configuration_and_is_told_so(shop: Shop) -> None:
    def ask(*words: str, code: int) -> str:
        return shop.run(*words, code=code, preexec_fn=_root_without_its_rights)

    shop.run("notify", "send")
    os.chown(shop.folder / "state", 65534, 65534)
    assert "no mistake" in ask("check-config", code=0)
    assert "the state folder is closed to you" in ask("notify", "list", code=3)
    assert "a service of this state folder is at work" not in ask("serve", code=3)
    assert "let it listen elsewhere" in ask("status", code=4)
    assert "CRITICAL" not in shop.run("doctor").splitlines()[0]


def _root_without_its_rights() -> None:
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: capabilities(7)
        ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
