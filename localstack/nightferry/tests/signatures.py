"""Prints what AWS's own library for Python signs, for the test in `src/sign.rs`: signatures.py >signatures.txt.

pip install botocore==1.42.97
"""

import datetime
from unittest import mock

import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MOMENT = datetime.datetime.fromtimestamp(1_700_000_000, datetime.timezone.utc)
REGION = "eu-west-3"
BASE = f"https://abc123.execute-api.{REGION}.amazonaws.com/live/v1"
JOB = "6f1c7f0a-5c3e-4f0e-9d55-0f8c1f1d2b3a"
REQUEST = '{"nights":["2026-03-22"],"classes":["SN candidate"],"conditions":"candidate.magpsf < 19.5; objectId <> \'é\'"}'
REQUESTS = [
    ("GET", f"{BASE}/jobs", ""),
    ("POST", f"{BASE}/jobs", REQUEST),
    ("POST", f"{BASE}/estimates", REQUEST),
    ("GET", f"{BASE}/jobs/{JOB}", ""),
    ("GET", f"{BASE}/jobs/no%20job%2Fat%20all", ""),
    ("GET", f"{BASE}/topics/ftransfer_ztf_2026-03-23_11487", ""),
    ("DELETE", f"{BASE}/jobs/{JOB}", ""),
    ("POST", f"{BASE}/jobs/{JOB}/retry", ""),
    ("GET", f"{BASE}/nights?nights=2025-09-01..2025-09-05%2C2026-03-22", ""),
    ("GET", f"{BASE}/nights?nights=7%20days%20ago..yesterday", ""),
]


def main() -> None:
    """Method, URL, body, session token and the header, with tabs between them."""
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: MOMENT):
        for token in (None, "a/session+token="):
            for method, url, body in REQUESTS:
                headers = {"Content-Type": "application/json"} if body else {}
                request = AWSRequest(method, url, headers, body.encode())
                SigV4Auth(Credentials("AKIDEXAMPLE", "secret", token), "execute-api", REGION).add_auth(request)
                print(method, url, body, token or "", request.headers["Authorization"], sep="\t")


if __name__ == "__main__":
    main()
