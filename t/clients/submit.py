#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause

"""A client with Python's standard library: http.client and ssl.

    set -a; . build/run/env
    t/clients/submit.py 99001 t/samples/claim-99001.xml

Needs EHR_GATEWAY (URL) and EHR_PKI (a folder with server-ca.pem and the
facility's .pem and .key).  Prints the answer; status 0 when it is accepted.
"""

import http.client
import json
import os
import ssl
import sys
import urllib.parse


def connect(facility):
    pki = os.environ["EHR_PKI"]
    url = urllib.parse.urlsplit(os.environ["EHR_GATEWAY"])
    context = ssl.create_default_context(cafile=f"{pki}/server-ca.pem")
    context.load_cert_chain(f"{pki}/{facility}.pem", f"{pki}/{facility}.key")
    return http.client.HTTPSConnection(url.hostname, url.port, timeout=90,
                                       context=context)


def call(connection, path, body, headers):
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status not in (200, 202):
        sys.exit(f"{answer.status}\n{text}")
    return text


def main():
    facility, path = sys.argv[1:]
    with open(path, "rb") as file:
        document = file.read()

    connection = connect(facility)
    said = call(connection, "/oauth2/token",
                "grant_type=client_credentials",
                {"Content-Type": "application/x-www-form-urlencoded"})
    token = json.loads(said)["access_token"]

    print(call(connection, "/v1/documents", document, {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/xml",
        "Prefer": f"wait={os.environ.get('EHR_WAIT', '0')}"}))
    connection.close()


if __name__ == "__main__":
    main()
