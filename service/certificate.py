"""The certificate by which a server is known, from PEM files, read again when asked to.

Used by `gateway`. Invariant: a pair of files that does not fit together never takes the place of one that does.
"""

from __future__ import annotations

import ssl

from service.source import Unusable


class Certificate:
    """A certificate and its key, and what a server needs of them."""

    def __init__(self, cert: str, key: str) -> None:
        """`cert`: with the chain up to the authority. Raises Unusable."""
        self._cert, self._key = cert, key
        self.context = self._loaded()

    def renew(self) -> None:
        """Read the files again; who connects from now on gets what they hold. Raises Unusable, and changes nothing."""
        self._loaded()
        self.context.load_cert_chain(self._cert, self._key, _no_password)

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._cert, self._key, _no_password)
        except (OSError, ValueError) as error:
            raise Unusable(
                f"--tls-cert {self._cert} and --tls-key {self._key} can't be used: {_why(error)}; "
                "allowed: PEM files of a certificate with its chain, and of its key without a password"
            ) from None
        return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is another certificate's"
    return reason or getattr(error, "strerror", None) or str(error)
