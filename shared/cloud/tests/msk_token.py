"""Prints what AWS's own signer for Python makes of one moment and one role, for the test in `src/kafka.rs`.

pip install aws-msk-iam-sasl-signer-python==1.0.2
"""

import base64
import datetime
from unittest import mock

import botocore.auth
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials

MOMENT = datetime.datetime.fromtimestamp(1_700_000_000, datetime.timezone.utc)


class Fixed(CredentialProvider):
    """One role."""

    METHOD = "fixed"

    def load(self) -> Credentials:
        """The role's credentials."""
        return Credentials("AKIDEXAMPLE", "secret", "session")


with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: MOMENT):
    token, _ = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider("eu-west-3", Fixed())
print(base64.urlsafe_b64decode(token + "==").decode())
