#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A body is read after identity and token said yes, within a size and a time;
# what its headers promise is checked; what was not received whole is not
# kept, and what was is kept whatever the client does.

use strict;
use warnings;

use Test::More;

use EHR::Document;
use EHR::World;

use constant MAX => 64 * 1024;

my $world = EHR::World->new(
    redis => 0,
    location => "ehr_body_max_size 64k; ehr_body_buffer_size 8k;"
        . " ehr_body_deadline 1s;",
)->start;
$world->enrol("99001");

my $client = $world->client("99001",
                            headers => [ "Accept-Language" => "en" ]);
my $token = $world->token($client);
my @auth = ("Authorization" => "Bearer $token");
my @xml = (@auth, "Content-Type" => "application/xml");

sub post {
    my ($body, @headers) = @_;

    return $client->request("POST", "/v1/documents", headers => \@headers,
                            body => $body);
}

sub is_refused {
    my ($what, $res, $status, $code) = @_;

    ok($res, "$what: answered") or return;
    is($res->status, $status, "$what: $status");
    is($res->code, $code, "$what: $code");

    return;
}

sub is_accepted {
    my ($what, $res) = @_;

    ok($res && $res->status == 202, "$what: accepted")
        or diag($res ? $res->status . " " . $res->body : "no answer");

    return;
}

# --- size --------------------------------------------------------------------

is_refused("an empty body", post("", @xml), 400, "body.empty");
is_refused("no body at all", post(undef, @xml), 400, "body.empty");
is_refused("an empty chunked body",
    $client->request("POST", "/v1/documents", headers => \@xml, body => "",
                     chunked => 1), 400, "body.empty");

is_refused("too large, by its length", post("<" x (MAX + 1), @xml), 413,
           "body.too-large");
$client->close;

is_refused("too large, chunked",
    $client->request("POST", "/v1/documents", headers => \@xml,
                     body => "<" x (MAX * 2), chunked => 1),
    413, "body.too-large");
$client->close;

is_refused("just as large as allowed", post("<" x MAX, @xml), 400,
           "document.malformed");

my $doc = EHR::Document->claim;
cmp_ok(length $doc->bytes, ">", 16 * 1024, "a body beyond the buffer");
is_accepted("spooled", post($doc->bytes, @xml));

my ($there) = $world->sim->wait_received(1);
ok($there && $world->sim->bytes($there) eq $doc->bytes,
   "spooled: byte for byte at the partner");

$doc = EHR::Document->claim;
is_accepted("chunked and spooled",
    $client->request("POST", "/v1/documents", headers => \@xml,
                     body => $doc->bytes, chunked => 1));
(undef, $there) = $world->sim->wait_received(2);
ok($there && $world->sim->bytes($there) eq $doc->bytes,
   "chunked: byte for byte at the partner");

# --- media type and coding ---------------------------------------------------

for my $type ("text/plain", "application/octet-stream", "application/x-xml",
              "multipart/form-data; boundary=x", "xml", "")
{
    is_refused("type \"$type\"",
        post("<a/>", @auth, "Content-Type" => $type), 415, "body.type");
}

is_refused("no type", post("<a/>", @auth), 415, "body.type");

for my $type ("text/xml", "application/xml; charset=utf-8",
              "Application/XML ;charset=UTF-8")
{
    is_accepted("type \"$type\"", post(EHR::Document->checkin->bytes, @auth,
                                       "Content-Type" => $type));
}

for my $coding ("gzip", "identity", "br, gzip", "") {
    is_refused("coding \"$coding\"",
        post("<a/>", @xml, "Content-Encoding" => $coding), 415, "body.type");
}

# --- digest ------------------------------------------------------------------

$doc = EHR::Document->checkin;
is_accepted("a right digest",
            post($doc->bytes, @xml, "Content-Digest" => $doc->digest));

my $other = EHR::Document->checkin;
is_refused("another's digest",
    post($doc->bytes, @xml, "Content-Digest" => $other->digest), 400,
    "digest.mismatch");
is_refused("a digest that is none",
    post($other->bytes, @xml, "Content-Digest" => "sha-256=:AAAA:"), 400,
    "digest.mismatch");
is_accepted("a digest we do not know", post($other->bytes, @xml,
    "Content-Digest" => "sha-512=:" . "A" x 86 . "==:"));

is_refused("the right digest under another name, hidden in a string",
    post($doc->bytes, @xml, "Content-Digest" =>
         'md5="' . $doc->digest . '", ' . $other->digest), 400,
    "digest.mismatch");
is_refused("another's digest on the second line",
    post($doc->bytes, @xml, "Content-Digest" => $doc->digest,
         "Content-Digest" => $other->digest), 400, "digest.mismatch");
is_refused("a field that is no dictionary",
    post($doc->bytes, @xml, "Content-Digest" => $doc->digest,
         "Content-Digest" => "?"), 400, "digest.mismatch");
is_refused("a sha-256 of no bytes",
    post($doc->bytes, @xml, "Content-Digest" => "sha-256"), 400,
    "digest.mismatch");

$doc = EHR::Document->checkin;
is_accepted("a right digest, on the second line and with parameters",
    post($doc->bytes, @xml, "Content-Digest" => "sha-512=:AAAA:, md5=(1 2)",
         "Content-Digest" => 'x="sha-256=:A:" , ' . $doc->digest . ";q=1"));

# --- key and parameters ------------------------------------------------------

for my $key ("x" x 129, "a b", "kh\xc3\xb3a", "a\tb") {
    is_refused("key of " . length($key),
        post("<a/>", @xml, "Idempotency-Key" => $key), 400,
        "idempotency.key-invalid");
}

is_refused("an empty key", post("<a/>", @xml, "Idempotency-Key" => ""), 400,
           "idempotency.key-invalid");
is_refused("two keys",
    post("<a/>", @xml, "Idempotency-Key" => "a", "Idempotency-Key" => "b"),
    400, "idempotency.key-invalid");
is_accepted("a key of 128", post(EHR::Document->checkin->bytes, @xml,
                                 "Idempotency-Key" => "~" x 128));

# What was meant to be tried only is not sent for a misspelt parameter.

for my $query ("validate_only=perhaps", "validate_only", "validate-only=true",
    "VALIDATE_ONLY=true", "validate%5Fonly=true",
    "validate_only=false&validate_only=true", "validate_only=true&x=1")
{
    is_refused($query,
        $client->request("POST", "/v1/documents?$query", headers => \@xml,
                         body => EHR::Document->checkin->bytes),
        400, "parameter.invalid");
}

for my $query ("", "?validate_only=false") {
    is_accepted("with '$query'",
        $client->request("POST", "/v1/documents$query", headers => \@xml,
                         body => EHR::Document->checkin->bytes));
}

is $client->request("POST", "/v1/documents?validate_only=true",
    headers => \@xml, body => EHR::Document->checkin->bytes)->status, 200,
    "validate_only=true is tried only";

# --- time --------------------------------------------------------------------

$doc = EHR::Document->checkin;
my ($head, $body) = $client->request_bytes("POST", "/v1/documents",
                                           headers => \@xml,
                                           body => $doc->bytes);

$client->close;
$client->connect;
$client->write($head);
$client->drip($body, 1, 0.05);
is_refused("a drip", $client->read_response, 408, "body.timeout");
$client->close;

$client->connect;
$client->write($head . substr($body, 0, 100));
is_refused("a body that stops", $client->read_response, 408,
           "body.timeout");
$client->close;

# --- 100-continue: not before the body is wanted -----------------------------

sub expect {
    my ($length, @headers) = @_;

    my ($head) = $client->request_bytes("POST", "/v1/documents",
        headers => [ @headers, "Expect" => "100-continue",
                     "Content-Length" => $length ],
        body => "");

    $client->close;
    $client->connect;
    $client->write($head);

    return;
}

$doc = EHR::Document->checkin;
expect(length $doc->bytes, @xml);
my $interim = $client->read_interim(5);
is($interim && $interim->status, 100, "100 once all is well");
$client->write($doc->bytes);
is_accepted("after 100", $client->read_response);

expect(1000, "Content-Type" => "application/xml");
my $res = $client->read_response;
is_refused("no token", $res, 401, "token.missing");
is_deeply($res->interim, [], "no 100 without a token");

expect(MAX + 1, @xml);
$res = $client->read_response;
is_refused("too large", $res, 413, "body.too-large");
is_deeply($res->interim, [], "no 100 for what is too large");

expect(1000, @auth, "Content-Type" => "text/plain");
$res = $client->read_response;
is_refused("wrong type", $res, 415, "body.type");
is_deeply($res->interim, [], "no 100 for a wrong type");
$client->close;

# --- a connection after a refusal --------------------------------------------

$client->connect;
is_refused("unread body", post("x" x 1000, @auth), 415, "body.type");
is_accepted("the next on the same connection",
            post(EHR::Document->checkin->bytes, @xml));

my @two = map { EHR::Document->checkin } 1 .. 2;
$client->close;
$client->connect;
$client->write(join("", map {
    $client->request_bytes("POST", "/v1/documents", headers => \@xml,
                           body => $_->bytes)
} @two));
for my $one (@two) {
    my $res = $client->read_response;
    is_accepted("pipelined", $res);
    is($res && $res->json->{sha256}, $one->sha256, "in order");
}

# --- framing -----------------------------------------------------------------

sub raw {
    my ($bytes) = @_;

    $client->close;
    $client->connect;
    $client->write($bytes);

    my $res = $client->read_response;
    $client->close;

    return $res;
}

my $start = "POST /v1/documents HTTP/1.1\r\nHost: localhost\r\n"
    . "Authorization: Bearer $token\r\nContent-Type: application/xml\r\n";

for my $bad (
    [ "two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n\r\n<a/>" ],
    [ "a length that is none", "Content-Length: -4\r\n\r\n<a/>" ],
    [ "length and chunked", "Content-Length: 4\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n" ],
    [ "a broken chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\n<a/>" ],
) {
    is_refused($bad->[0], raw($start . $bad->[1]), 400, "request.bad");
}

# --- the client goes ---------------------------------------------------------

sub kept {
    return scalar($world->sim->received);
}

my $total = $world->metric('ehr_documents_total{result="accepted"}');
$world->sim->wait_received($total);
is(kept(), $total, "all that was accepted was delivered");

my $half = EHR::Document->checkin;
($head, $body) = $client->request_bytes("POST", "/v1/documents",
                                        headers => \@xml,
                                        body => $half->bytes);

for my $how ("abort", "close", "half_close") {
    $client->connect;
    $client->write($head . substr($body, 0, 500));
    $client->$how;
    $client->close;
}

my $whole = EHR::Document->checkin;
($head, $body) = $client->request_bytes("POST", "/v1/documents",
                                        headers => \@xml,
                                        body => $whole->bytes);
$client->connect;
$client->write($head . $body);
$client->close;

my @received = $world->sim->wait_received($total + 1);
is($received[-1]{sha256}, $whole->sha256,
   "received whole: kept, though nobody waits");
is(scalar(grep { $_->{sha256} eq $half->sha256 } @received), 0,
   "received by half: not kept");

$res = post($whole->bytes, @xml);
is($res->status, 200, "sent again");
ok($res->json->{duplicate}, "known already");

$world->finish;
done_testing();
