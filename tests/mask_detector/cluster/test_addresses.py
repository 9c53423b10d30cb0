"""Which addresses are taken, and that refusals do not tell what may be a secret."""

from __future__ import annotations

import pytest

from mask_detector.cluster import addresses
from mask_detector.errors import UserFacingError


@pytest.mark.parametrize(
    "address",
    [
        "s3://archive/2024/a b+%2F?x=1@2:3",
        "s3://My_old.bucket",
        "gs://archive-1/me@home/a.jpg",
        "hdfs://host:9000/data",
        "hdfs:///data",
        "hdfs://name.service/a@b",
        "/data/s3:x@y",
    ],
)
def test_addresses_that_are_taken(address):
    assert addresses.full_address(address) == address
    assert addresses.full_address(f"{address}/") == address


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://me:secret@host/a", "ftp:// is not supported"),
        ("s3://key:secret@bucket/a", "leave credentials out"),
        ("s3://AKIAX:wJal/secret@archive/2024", "leave credentials out"),
        ("s3://AKIAX:wJalsecret/2024", "leave credentials out"),
        ("s3://secret@archive", "leave credentials out"),
        ("s3://archive/2024?access_key=AKIAX&secret_key=secret", "leave credentials out"),
        ("s3://archive/a.jpg?X-Amz-Date=1&X-Amz-Signature=secret", "leave credentials out"),
        ("gs://archive/a.jpg?Expires=1&Signature=secret", "leave credentials out"),
        ("gs://secret@archive/a", "leave credentials out"),
        ("hdfs://me:secret@host:9000/a", "leave credentials out"),
        ("hdfs://me:pa/secret@host:9000/a", "leave credentials out"),
        ("s3://", "s3://BUCKET/KEY"),
        ("s3:///a.jpg", "s3://BUCKET/KEY"),
        ("gs://a bucket/a.jpg", "gs://BUCKET/KEY"),
    ],
)
def test_addresses_that_are_refused(address, message):
    with pytest.raises(UserFacingError, match=message) as refusal:
        addresses.full_address(address)
    assert not any(secret in str(refusal.value) for secret in ("secret", "wJal", "AKIA"))


def test_a_name_in_a_folder():
    folders = ("/", "/data/", "s3://archive", "hdfs://", "hdfs://host:9000/a")
    assert [addresses.join(folder, "b", "c") for folder in folders] == [
        "/b/c", "/data/b/c", "s3://archive/b/c", "hdfs:///b/c", "hdfs://host:9000/a/b/c",
    ]  # fmt: skip
