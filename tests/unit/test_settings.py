"""Settings enter by one door and are refused by name."""

import pytest

from streams.settings import Publishing, SettingsError, environment, load_settings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("WAYLINE_"):
            monkeypatch.delenv(name)


def test_without_variables_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert settings.publishing is Publishing.EXACTLY_ONCE
    assert settings.metrics.host == "127.0.0.1"


def test_a_groups_field_follows_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLINE_KAFKA__BOOTSTRAP", "broker-1:9092")

    assert load_settings().kafka.bootstrap == "broker-1:9092"


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLINE_KAFKA__BOOTSTRAP", "broker-1:9092")
    monkeypatch.setenv("WAYLINE_KAFKA__SESSION_TIMEOUT_MS", "7000")

    kafka = load_settings(kafka={"bootstrap": "broker-2:9092"}).kafka

    assert (kafka.bootstrap, kafka.session_timeout_ms) == ("broker-2:9092", 7000)


def test_a_misspelt_variable_is_refused_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAYLINE_KAFKA__BOOTSTRP", "broker-1:9092")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert "WAYLINE_KAFKA__BOOTSTRP" in str(refused.value)
    assert "Did you mean WAYLINE_KAFKA__BOOTSTRAP?" in str(refused.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLINE_METRICS__PORT", "99999")
    monkeypatch.setenv("WAYLINE_PUBLISHING", "once")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert "WAYLINE_METRICS__PORT" in str(refused.value)
    assert "WAYLINE_PUBLISHING" in str(refused.value)


def test_a_missing_identity_key_is_said_only_where_one_is_needed() -> None:
    settings = load_settings()

    with pytest.raises(SettingsError, match="WAYLINE_IDENTITY_KEY"):
        settings.secret_identity_key()


def test_the_identity_key_is_not_shown() -> None:
    settings = load_settings(identity_key="a secret nobody may read")

    assert "nobody" not in repr(settings)


def test_another_process_makes_the_same_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(prefix="acme", identity_key="a secret of some length")

    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    assert load_settings() == settings


def test_a_workspaces_names_bear_its_prefix() -> None:
    settings = load_settings(prefix="acme")

    assert settings.topics.inbox == "acme.inbox"
    assert settings.keys.progress == "acme:progress"
    assert settings.group == "acme.wayline"
