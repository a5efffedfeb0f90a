"""Walks through the script with httpx and prints what came, as JSON: walk.py BASE SCRIPT VERSION CERTIFICATE."""

import json
import sys

import httpx

base, script, version, certificate = sys.argv[1:5]
payload = bytes(place % 251 for place in range(1024 * 1024))
versions = {"1.1": {"http1": True, "http2": False}, "2": {"http1": False, "http2": True}}[version]
verify = certificate if base.startswith("https") else True
answers = []
with httpx.Client(verify=verify, follow_redirects=True, timeout=20, trust_env=False, **versions) as client:
    for step in json.load(open(script)):
        send = step.get("send")
        content, headers = None, {}
        if send:
            headers["content-type"] = send["type"]
            content = payload[: send["bytes"]] if "bytes" in send else send["text"].encode()
        response = client.request(step["method"], base + step["path"], content=content, headers=headers)
        answers.append({
            "status": response.status_code,
            "headers": dict(response.headers),
            "length": len(response.content),
            "sum": sum(response.content),
            "text": response.text if len(response.content) < 65536 else None,
            "protocol": response.http_version,
        })
    seen = client.get(base + "/version").text
print(json.dumps({"answers": answers, "version": seen}))
