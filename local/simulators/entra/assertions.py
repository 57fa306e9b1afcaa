"""Client assertions: the signed statement a client sends in place of a secret when it has a certificate."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class BadAssertion(Exception):
    """The assertion proves nothing; the text says why."""


def check_assertion(assertion: str, certificates: Sequence[str], client_id: str, token_endpoint: str) -> None:
    """Check thumbprint, signature, life and claims against the registered certificates (PEM); raises BadAssertion.

    The audience is the token endpoint, issuer and subject are the client id; RS256 with ``x5t`` and PS256 with
    ``x5t#S256`` are what msal sends.
    """
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise BadAssertion("the assertion is no token") from error
    certificate = _registered(header, certificates)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise BadAssertion("the certificate's key is no RSA key")
    try:
        claims = jwt.decode(assertion, key, algorithms=["RS256", "PS256"], audience=token_endpoint, leeway=300)
    except jwt.InvalidTokenError as error:
        raise BadAssertion(f"the assertion is not valid: {type(error).__name__}") from error
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise BadAssertion("issuer and subject must be the client id")


def _registered(header: dict[str, object], certificates: Sequence[str]) -> x509.Certificate:
    for pem in certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        der = certificate.public_bytes(Encoding.DER)
        thumbprints = {
            _b64(hashlib.sha1(der, usedforsecurity=False).digest()),
            _b64(hashlib.sha256(der).digest()),
        }
        if thumbprints & {str(header.get(name, "")).rstrip("=") for name in ("x5t", "x5t#S256")}:
            return certificate
    raise BadAssertion("the key was not found among the registered certificates")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
