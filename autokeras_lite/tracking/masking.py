"""Take out of an event what must stay secret, before anything writes it down."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autokeras_lite.tracking.tracker import Event, SearchEnd, SearchRecord, TrialEnd, TrialRecord
from autokeras_lite.tracking.uri import mask

HIDDEN = "***"

_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|cred|pwd")


def without_secrets(event: Event) -> Event:
    """Return the event with every value hidden whose name looks secret, and every password in an address.

    The numbers of a model's config stay: `key_dim` and `max_tokens` are no secrets, and a number that shapes a network
    must not be lost. So do metrics, which are numbers.
    """
    match event:
        case SearchRecord():
            params, tags, data = (_hide(values) for values in (event.params, event.tags, event.data))
            return replace(event, params=params, tags=tags, data=data)
        case TrialRecord():
            return replace(event, spec=replace(event.spec, config=_hide(event.spec.config, is_number_plain=True)))
        case TrialEnd():
            outcome = event.outcome
            earlier = tuple(replace(attempt, message=mask(attempt.message)) for attempt in outcome.earlier)
            return replace(event, outcome=replace(outcome, message=mask(outcome.message), earlier=earlier))
        case SearchEnd():
            return replace(event, tags=_hide(event.tags))
        case _:
            return event


def _hide(values: Mapping[str, Any], *, is_number_plain: bool = False) -> dict[str, Any]:
    return {
        str(key): _hidden(value, is_secret=_is_secret(key), is_number_plain=is_number_plain)
        for key, value in values.items()
    }


def _hidden(value: Any, *, is_secret: bool, is_number_plain: bool) -> Any:
    """Everything below a secret name is secret; what says only yes, no or nothing is not."""
    match value:
        case Mapping():
            return {
                str(key): _hidden(child, is_secret=is_secret or _is_secret(key), is_number_plain=is_number_plain)
                for key, child in value.items()
            }
        case list() | tuple():
            return [_hidden(child, is_secret=is_secret, is_number_plain=is_number_plain) for child in value]
        case bool() | None:
            return value
        case int() | float() if is_number_plain or not is_secret:
            return value
    if is_secret:
        return HIDDEN
    return mask(value) if isinstance(value, str) else value


def _is_secret(name: object) -> bool:
    return _SECRET_NAME.search(str(name)) is not None
