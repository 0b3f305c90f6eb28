"""What must stay secret is taken out of an event before anything writes it."""

import pytest
from made_up_search import CONFIG, search_end, search_record, trial_end, trial_record

from autokeras_lite.tracking.masking import without_secrets
from autokeras_lite.trial import Cause, FailedAttempt


@pytest.mark.parametrize(
    "name", ["api_key", "HF_TOKEN", "client.secret", "passwd", "Password", "credentials", "db_pwd"]
)
def test_a_value_is_hidden_when_its_name_looks_secret(name):
    record = without_secrets(
        search_record(params={name: "s3cret", "deep": [{name: 12345}]}, tags={name: "s3cret"}, data={name: "s3cret"})
    )

    assert record.params == {name: "***", "deep": [{name: "***"}]}
    assert (record.tags, record.data) == ({name: "***"}, {name: "***"})
    assert without_secrets(search_end(tags={name: "s3cret"})).tags == {name: "***"}


def test_everything_below_a_secret_name_is_hidden_but_for_yes_no_and_nothing():
    params = {"credentials": {"user": "ann", "codes": ["s3cret", 7], "is_used": True, "host": None}}

    hidden = without_secrets(search_record(params=params)).params["credentials"]
    assert hidden == {"user": "***", "codes": ["***", "***"], "is_used": True, "host": None}


def test_a_password_in_an_address_is_hidden_wherever_it_stands():
    attempt = FailedAttempt(0, 1, Cause.EXCEPTION, "no http://ann:s3cret@host")
    end = trial_end(0, Cause.EXCEPTION, message="no http://ann:s3cret@host", earlier=(attempt,))
    events = [
        search_record(params={"x": ["http://ann:s3cret@host"]}, data={"source": "http://h/x?token=s3cret"}),
        trial_record(0, {"x": "http://ann:s3cret@host"}),
        end,
        search_end(tags={"x": "http://ann:s3cret@host"}),
    ]

    assert all("s3cret" not in str(without_secrets(event)) for event in events)
    assert all("***" in str(without_secrets(event)) for event in events)


def test_numbers_that_shape_a_network_are_no_secrets():
    config = {"stack": [{"kind": "MultiHeadAttention", "key_dim": 16}], "max_tokens": 20_000, "token": "s3cret"}

    assert without_secrets(trial_record(0, config)).spec.config == {**config, "token": "***"}


def test_what_holds_no_secret_is_unchanged():
    for event in (search_record(), trial_record(0, CONFIG), trial_end(0), search_end()):
        assert without_secrets(event) == event
