"""Runs in a process of its own: dlms-cosem does the jobs that come as JSON, one a line."""

from __future__ import annotations

import json
import sys

from dlms_cosem import security


def unhex(job, name):
    return bytes.fromhex(job[name])


def control(job):
    return security.SecurityControlField.from_bytes(bytes((job["control"],)))


def common(job):
    return control(job), unhex(job, "title"), job["counter"], unhex(job, "ek")


def protect(job):
    return security.encrypt(*common(job), unhex(job, "plain"), unhex(job, "ak"))


def unprotect(job):
    return security.decrypt(*common(job), unhex(job, "octets"), unhex(job, "ak"))


def gmac(job):
    return security.gmac(*common(job), unhex(job, "ak"), unhex(job, "challenge"))


def wrap(job):
    return security.wrap_key(control(job), unhex(job, "kek"), unhex(job, "key"))


def do(line):
    job = json.loads(line)
    try:
        return globals()[job["do"]](job).hex()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


print(json.dumps([do(line) for line in sys.stdin.read().splitlines()]))
