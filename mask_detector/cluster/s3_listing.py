"""List S3 page by page; ``pyarrow.fs`` would hold all names at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mask_detector.cluster.packages import check_packages


def s3_keys(folder: str, connect_s: float, read_s: float, tries: int) -> Iterator[str]:
    """What is in a folder and in its sub-folders, each name as it goes on after ``FOLDER/``.

    A request lists a thousand names, in however many sub-folders they are. Names may hold empty
    parts: ``/a.jpg`` for what is called ``FOLDER//a.jpg``.

    Args:
        folder: ``s3://BUCKET`` or ``s3://BUCKET/KEY``; the server and the credentials are those of
            the environment.
        connect_s, read_s: how long a request waits for the server.
        tries: how often a request is made where its error may pass.

    Raises:
        OSError: it cannot be read; FileNotFoundError where there is no such bucket.
    """
    check_packages("boto3")
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    retries = {"mode": "standard", "total_max_attempts": tries}
    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries=retries)
    bucket, _, key = folder.removeprefix("s3://").partition("/")
    prefix = f"{key}/" if key else ""
    try:
        # boto3 itself looks at AWS_DEFAULT_REGION and at its own files.
        client = boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=config)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for each in page.get("Contents", ()):
                if not each["Key"].endswith("/"):  # that stands for a folder
                    yield each["Key"].removeprefix(prefix)
    except (BotoCoreError, ClientError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        kind = FileNotFoundError if code in ("NoSuchBucket", "404") else OSError
        raise kind(code or str(error)) from None
