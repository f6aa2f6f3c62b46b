#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Every refusal is problem+json with a stable code, also those that nginx makes
# itself before we see the request; no answer tells the server's version.

use strict;
use warnings;

use Test::More;

use EHR::Util qw(wait_for);
use EHR::World;

my $world = EHR::World->new(redis => 0, sim => 0)->start;
$world->enrol("99001");

my $client = $world->client("99001");

sub is_problem {
    my ($what, $res, $status, $code) = @_;

    ok($res, "$what: answered") or return;

    is($res->status, $status, "$what: $status");
    is($res->header("Content-Type"), "application/problem+json",
       "$what: type of the content");
    is($res->header("Server"), "nginx", "$what: no version");

    my $problem = $res->json || {};

    is($problem->{code}, $code, "$what: $code");
    is($problem->{status}, $status, "$what: status in the problem");
    is($problem->{type}, "https://ehr-gateway.invalid/problems/$code",
       "$what: type");
    ok($problem->{title} && $problem->{request_id},
       "$what: title and request id");

    return;
}

# Bytes of the test's own, on a connection of their own.

# Bytes of the test's own, on a connection of their own.

sub raw {
    my ($bytes, $raw) = @_;

    $raw ||= $world->client("99001");
    $raw->connect;
    $raw->write($bytes);

    return $raw->read_response;
}

# --- 400 ---------------------------------------------------------------------

is_problem("no HTTP", raw("xin chao\r\n\r\n"), 400, "request.bad");
is_problem("no Host", raw("GET /v1/documents HTTP/1.1\r\n\r\n"), 400,
           "request.bad");
is_problem("two Hosts",
    raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400, "request.bad");
is_problem("a NUL in a header",
    raw("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"), 400, "request.bad");
is_problem("an unknown transfer coding",
    raw("POST /v1/documents HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: gzip\r\n\r\n"), 501, "not-implemented");

# --- 404, 405 ----------------------------------------------------------------

is_problem("nowhere", $client->get("/v2/documents"), 404, "not-found");
is_problem("root", $client->get("/"), 404, "not-found");
is_problem("an id that is none", $client->get("/v1/documents/17"), 404,
           "not-found");
is_problem("out of the tree", $client->get("/v1/documents/../../etc/passwd"),
           404, "not-found");

my $res = $client->request("DELETE", "/v1/documents");
is_problem("DELETE", $res, 405, "method-not-allowed");
is($res->header("Allow"), "GET, HEAD, POST", "DELETE: what is allowed");

$res = $client->get("/oauth2/token");
is_problem("GET of the token endpoint", $res, 405, "method-not-allowed");
is($res->header("Allow"), "POST", "token endpoint: what is allowed");

$res = $client->request("BREW", "/v1/documents");
is_problem("an unknown method", $res, 405, "method-not-allowed");

$res = $client->request("PUT", "/.well-known/jwks.json", body => "{}");
is_problem("PUT", $res, 405, "method-not-allowed");
is($res->header("Allow"), "GET, HEAD", "PUT: what is allowed");

is_problem("TRACE", raw("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), 405,
           "method-not-allowed");

$res = $client->request("HEAD", "/nowhere");
is($res->status, 404, "HEAD: the status");
is($res->body, "", "HEAD: no body");

# --- sizes -------------------------------------------------------------------

is_problem("a URI too long", raw("GET /" . "a" x 70000 . " HTTP/1.1\r\n"),
           414, "uri.too-long");
is_problem("a header too large",
    raw("GET / HTTP/1.1\r\nHost: a\r\nX: " . "a" x 70000 . "\r\n\r\n"),
    431, "header.too-large");
is_problem("headers too many",
    raw("GET / HTTP/1.1\r\nHost: a\r\n"
        . join("", map { "X-$_: " . "a" x 1000 . "\r\n" } 1 .. 200)
        . "\r\n"), 431, "header.too-large");

# --- versions ----------------------------------------------------------------

is_problem("HTTP/3.0", raw("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505,
           "http.version");

# --- TLS's own ---------------------------------------------------------------

my $plain = $world->client(undef, tls => 0);
is_problem("plain HTTP to the TLS port",
    raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n", $plain), 400, "request.bad");

is_problem("no certificate", $world->client(undef)->get("/"), 400,
           "cert.required");
is_problem("an unknown CA",
    $world->client($world->issue("stranger", ca => "server-ca"))->get("/"),
    400, "cert.required");

# --- the caller's language ---------------------------------------------------

$res = $client->get("/nowhere");
is($res->json->{title}, "Kh\x{f4}ng t\x{ec}m th\x{1ea5}y", "Vietnamese");
$res = $client->get("/nowhere", "Accept-Language" => "en-GB, vi;q=0.5");
is($res->json->{title}, "Not found", "English");
is($res->json->{instance}, "/nowhere", "the instance");
$res = $client->get("/nowhere", "Accept-Language" => "fr",
                    "Accept-Language" => "en");
is($res->json->{title}, "Not found", "several lines are one list");

# Many are read too, before anybody is known.

$res = raw("GET /nowhere HTTP/1.1\r\nHost: a\r\nAccept-Language: en\r\n"
    . "Accept-Language:,\r\n" x 500 . "\r\n");
is($res->json->{title}, "Not found", "five hundred of them too");

# The caller's trace leads to the line of the log.

my $trace = "4bf92f3577b34da6a3ce929d0e0e4736";
$client->get("/traced", traceparent => "00-$trace-00f067aa0ba902b7-01");
$client->get("/untraced", traceparent => "00-NOT-A-TRACE-01");

ok(wait_for(10, sub { $world->log("access") =~ m{/untraced} }), "logged");
is_deeply([ map { [ @{JSON::PP->new->decode($_)}{qw(uri trace)} ] }
            grep { m{/(un)?traced} } split(/\n/, $world->log("access")) ],
          [ [ "/traced", $trace ], [ "/untraced", "" ] ], "trace");

# A query is nobody's business: it may hold a business key.

$res = $client->get("/nowhere?business_key=BI-MAT-1234");
unlike($res->body, qr/BI-MAT/, "no query in a problem");
unlike($world->log("access") . $world->log("error"), qr/BI-MAT/,
       "no query in a log");

# --- the other listeners -----------------------------------------------------

is_problem("admin: nowhere", $world->admin("GET", "/nowhere"), 404,
           "not-found");
is_problem("ops: nowhere", $world->ops("/nowhere"), 404, "not-found");

# --- the log -----------------------------------------------------------------

my @lines = split(/\n/, $world->log("access"));
my @bad = grep {
    my $line = eval { JSON::PP->new->utf8->decode($_) };
    !$line || !$line->{request_id}
} @lines;

cmp_ok(scalar(@lines), ">", 20, "each request is a line");
is_deeply(\@bad, [], "each line is JSON with a request id");

$world->finish;
done_testing();
