"""Signature Version 4, as its documentation describes it, to compare with the requests that a server has had."""

import hashlib
import hmac
import re

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SIGNED = ("host", "range", "x-amz-content-sha256", "x-amz-date")


def expected_signature(path, headers, secret, region):
    """Computes the signature of a request from the documentation of Signature Version 4."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                         r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", headers["Authorization"])
    assert match, headers["Authorization"]
    access, day, used_region, names, signature = match.groups()
    lower = {name.lower(): value for name, value in headers.items()}
    canonical = "\n".join(["GET", path, "", *(f"{name}:{lower[name]}" for name in names.split(";")), "", names,
                           lower["x-amz-content-sha256"]])
    scope = f"{day}/{used_region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", lower["x-amz-date"], scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for text in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, text.encode(), "sha256").digest()
    return access, names.split(";"), signature, hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def check_signatures(case, access, secret, region="us-east-1", signed=SIGNED):
    """Checks all requests that the server of a test has had, and forgets them."""
    case.assertGreater(len(case.server.requests), 0)
    for path, headers in case.server.requests:
        found_access, names, found, expected = expected_signature(path, headers, secret, region)
        case.assertEqual((found_access, names, found), (access, list(signed), expected))
    case.server.forget()
