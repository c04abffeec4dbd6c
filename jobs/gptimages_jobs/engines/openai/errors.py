"""Turns every failure of the SDK, and of the HTTP client under it, into EngineRefused or EngineUnavailable.

The answer is looked up by the API's error code first, then by the most specific class. Nothing of the original message is
carried over, since servers quote the prompt in it; that is also why the new error is raised `from None`, against the
usual rule. The log gets the kind and the status, nothing else.
"""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2
import openai
import structlog

from gptimages.studio.engine import EngineRefused, EngineUnavailable

DECLINED = "The engine declined these words by its own rules; change them and try again."
PICTURE_DECLINED = "The engine declined a reference picture by its own rules; take another one and try again."
PICTURE_UNREADABLE = "The engine could not read one of the pictures sent along; take another one and try again."
PICTURES_TOO_LARGE = "The pictures sent along are too large for the engine; take smaller ones and try again."
NOT_TAKEN = "The engine does not take these words or settings; change them and try again."
KEY_REFUSED = "The engine refused our key; the operator has to renew it."
NOT_ALLOWED = "The engine does not let our key use this model; the operator has to look into it."
USED_UP = "The engine's account is used up; the operator has to look after it."
NO_SUCH_MODEL = "The engine does not know the model or address in the settings; the operator has to correct them."
UNREACHABLE = "The engine cannot be reached just now; try again in a little while."
TOO_SLOW = "The engine took too long to answer; try again in a little while."
OVERLOADED = "The engine is overloaded; try again in a little while."
FAILED = "The engine failed; try again in a little while."
BROKEN_OFF = "The engine's answer broke off or could not be understood; try again in a little while."

SOON, LATER, FOR_THE_OPERATOR, LONGEST = 5.0, 20.0, 300.0, 3600.0
"""Seconds before a run may be tried again: after a passing fault, when overloaded, when a person must act, at most."""

Failure = EngineRefused | EngineUnavailable
Answer = Callable[[Exception], Failure]

log = structlog.get_logger()


@contextmanager
def engine_errors() -> Iterator[None]:
    """Lets EngineRefused and EngineUnavailable out and turns every other failure of the exchange into one of them.

    Built-in ValueError stands for an answer that is no JSON or no UTF-8, OSError for TLS and sockets. A mistake of our
    own (TypeError and the like) is not hidden.
    """
    try:
        yield
    except (openai.OpenAIError, *HTTP_ERRORS, OSError, ValueError) as error:
        failure = answer_to(error)
        log.warning("engine_failed", kind=type(error).__name__, status=getattr(error, "status_code", None))
        raise failure from None


def answer_to(error: Exception) -> Failure:
    """The failure to report for `error`: by its code when the API gave a known one, else by its class."""
    code = getattr(error, "code", None)
    answer = BY_CODE.get(code) if isinstance(code, str) else None
    if answer is None:
        answer = next(BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS)
    return answer(error)


def _refused(sentence: str) -> Answer:
    return lambda _: EngineRefused(sentence)


def _unavailable(sentence: str, wait: float = SOON) -> Answer:
    return lambda error: EngineUnavailable(sentence, retry_after=retry_after(error, wait))


def _bad_request(error: Exception) -> Failure:
    field = str(getattr(error, "param", None) or "")
    return EngineRefused(PICTURE_UNREADABLE if field.startswith(("image", "mask")) else NOT_TAKEN)


def _any_status(error: Exception) -> Failure:
    if getattr(error, "status_code", None) == 413:
        return EngineRefused(PICTURES_TOO_LARGE)
    return _unavailable(FAILED)(error)


def retry_after(error: Exception, otherwise: float) -> float:
    """Seconds from the answer's Retry-After, a number or a date (RFC 9110 section 10.2.3), at most an hour."""
    response = getattr(error, "response", None)
    value = response.headers.get("retry-after") if response is not None else None
    if value is None:
        return otherwise
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return min(seconds, LONGEST) if math.isfinite(seconds) and seconds >= 0 else otherwise


def _until(date: str) -> float:
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


BY_CODE: dict[str, Answer] = {
    **dict.fromkeys(
        ("moderation_blocked", "content_policy_violation", "content_filter", "contentFilter", "invalid_prompt"),
        _refused(DECLINED),
    ),
    "image_content_policy_violation": _refused(PICTURE_DECLINED),
    **dict.fromkeys(
        (
            "invalid_image",
            "invalid_image_file",
            "invalid_image_format",
            "invalid_image_mode",
            "image_parse_error",
            "image_too_small",
            "empty_image_file",
            "unsupported_image_media_type",
        ),
        _refused(PICTURE_UNREADABLE),
    ),
    **dict.fromkeys(("image_too_large", "image_file_too_large"), _refused(PICTURES_TOO_LARGE)),
    **dict.fromkeys(("insufficient_quota", "billing_hard_limit_reached"), _unavailable(USED_UP, FOR_THE_OPERATOR)),
    "model_not_found": _unavailable(NO_SUCH_MODEL, FOR_THE_OPERATOR),
    "invalid_api_key": _unavailable(KEY_REFUSED, FOR_THE_OPERATOR),
    "rate_limit_exceeded": _unavailable(OVERLOADED, LATER),
}

_OPERATOR_MUST_ACT = {
    openai.AuthenticationError: KEY_REFUSED,
    openai.OAuthError: KEY_REFUSED,
    openai.PermissionDeniedError: NOT_ALLOWED,
    openai.NotFoundError: NO_SUCH_MODEL,
    httpx2.InvalidURL: NO_SUCH_MODEL,
    httpx2.UnsupportedProtocol: NO_SUCH_MODEL,
    httpx2.TooManyRedirects: NO_SUCH_MODEL,
}

# Parts of the SDK that the engine does not use: mapped all the same, so that nothing unforeseen leaves an engine.
_NOT_USED = (
    openai.LengthFinishReasonError,
    openai.InvalidWebhookSignatureError,
    openai.WebSocketConnectionClosedError,
    openai.WebSocketQueueFullError,
    httpx2.CookieConflict,
)

_BROKEN = (
    openai.APIResponseValidationError,
    httpx2.DecodingError,
    httpx2.ProtocolError,
    httpx2.LocalProtocolError,
    httpx2.RemoteProtocolError,
    httpx2.StreamError,
    httpx2.StreamClosed,
    httpx2.StreamConsumed,
    httpx2.RequestNotRead,
    httpx2.ResponseNotRead,
    httpx2.SSEError,
    ValueError,
)

_UNREACHED = (
    openai.APIConnectionError,
    httpx2.TransportError,
    httpx2.NetworkError,
    httpx2.ConnectError,
    httpx2.ReadError,
    httpx2.WriteError,
    httpx2.CloseError,
    httpx2.ProxyError,
    OSError,
)

_TIMED_OUT = (
    openai.APITimeoutError,
    httpx2.TimeoutException,
    httpx2.ConnectTimeout,
    httpx2.ReadTimeout,
    httpx2.WriteTimeout,
    httpx2.PoolTimeout,
)

_FAILED = (
    openai.OpenAIError,
    openai.APIError,
    openai.ConflictError,
    openai.InternalServerError,
    httpx2.HTTPError,
    httpx2.HTTPStatusError,
    httpx2.RequestError,
)

BY_CLASS: dict[type[BaseException], Answer] = {
    **dict.fromkeys((*_FAILED, *_NOT_USED), _unavailable(FAILED)),
    **dict.fromkeys(_BROKEN, _unavailable(BROKEN_OFF)),
    **dict.fromkeys(_UNREACHED, _unavailable(UNREACHABLE)),
    **dict.fromkeys(_TIMED_OUT, _unavailable(TOO_SLOW)),
    **{kind: _unavailable(sentence, FOR_THE_OPERATOR) for kind, sentence in _OPERATOR_MUST_ACT.items()},
    openai.APIStatusError: _any_status,
    openai.BadRequestError: _bad_request,
    openai.UnprocessableEntityError: _bad_request,
    openai.RateLimitError: _unavailable(OVERLOADED, LATER),
    openai.ContentFilterFinishReasonError: _refused(DECLINED),
}

HTTP_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, httpx2.SSEError, httpx2.CookieConflict)
