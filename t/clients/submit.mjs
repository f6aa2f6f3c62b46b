#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
//
// A client with Node's own https module.
//
//     set -a; . build/run/env
//     node t/clients/submit.mjs 99001 t/samples/claim-99001.xml
//
// Needs EHR_GATEWAY (URL) and EHR_PKI (a folder with server-ca.pem and the
// facility's .pem and .key).  Prints the answer; status 0 when it is accepted.

import { readFileSync } from "node:fs";
import https from "node:https";

const [facility, path] = process.argv.slice(2);
const pki = process.env.EHR_PKI;

const agent = new https.Agent({
    keepAlive: true,
    ca: readFileSync(`${pki}/server-ca.pem`),
    cert: readFileSync(`${pki}/${facility}.pem`),
    key: readFileSync(`${pki}/${facility}.key`),
});

function call(path, body, headers) {
    return new Promise((resolve, reject) => {
        const request = https.request(
            new URL(path, process.env.EHR_GATEWAY),
            { method: "POST", agent, headers },
            (answer) => {
                const parts = [];
                answer.on("data", (part) => parts.push(part));
                answer.on("error", reject);
                answer.on("end", () => {
                    const text = Buffer.concat(parts).toString();
                    if (answer.statusCode === 200
                        || answer.statusCode === 202) {
                        resolve(text);
                    } else {
                        reject(new Error(`${answer.statusCode}\n${text}`));
                    }
                });
            });
        request.on("error", reject);
        request.end(body);
    });
}

try {
    const said = await call("/oauth2/token", "grant_type=client_credentials",
        { "Content-Type": "application/x-www-form-urlencoded" });

    console.log(await call("/v1/documents", readFileSync(path), {
        "Authorization": `Bearer ${JSON.parse(said).access_token}`,
        "Content-Type": "application/xml",
        "Prefer": `wait=${process.env.EHR_WAIT ?? 0}`,
    }));
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
} finally {
    agent.destroy();
}
