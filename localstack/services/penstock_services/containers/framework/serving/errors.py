"""Requests that are answered with an error of their own."""

from __future__ import annotations


class RequestError(Exception):
    """The request is answered with ``status`` and this text."""

    status = 500


class UnsupportedContentTypeError(RequestError):
    """The body's content type is none that the model takes."""

    status = 415


class UnsupportedAcceptError(RequestError):
    """None of the accepted types is one that the model gives."""

    status = 406


class BadBodyError(RequestError):
    """The body is not what its content type says, or does not fit the model."""

    status = 400
