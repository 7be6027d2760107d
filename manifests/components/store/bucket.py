"""Make the bucket, if there is none, and say in its policy what identities may not do.

SeaweedFS's own rights end at `Write`, which includes to delete, and to let objects expire. In a policy it heeds
full principals only; it takes shorter ones too, and does nothing.
"""

import os
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

POLICY = Path(__file__).with_name("policy.json").read_text(encoding="utf-8")
PATIENCE_SECONDS = 120


def prepare(bucket: str) -> None:
    """The bucket as it should be, whether or not it was there."""
    plain = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )
    s3 = boto3.client("s3", config=plain)
    try:
        s3.create_bucket(Bucket=bucket)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        print(f"{bucket}: is there")
    s3.put_bucket_policy(Bucket=bucket, Policy=POLICY)
    print(f"{bucket}: has its policy")


if __name__ == "__main__":
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            prepare(os.environ["SEEDBED_STORE"].removeprefix("s3://"))
            break
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > deadline:
                raise
            print(f"not yet: {error}")
            time.sleep(1)
