#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Without Redis the limits live in shared memory: exact over all workers, each
# facility by itself, told to the client, and before anything expensive (I4): a
# certificate's limit before its token, a facility's before its body.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::World;

# Rates so slow that nothing comes back while the test runs.

use constant {
    SLOW    => "1r/m burst=5",
    STEP    => 59,          # seconds until the next one, rounded up
    BURST   => 5,
    WIDE    => 40,
    CLIENTS => 10,
};

my $world = EHR::World->new(
    workers => 4, redis => 0, sim => 0,
    rate => SLOW, cert_rate => "off",
);

$world->start;
$world->enrol("99001");
$world->enrol("99002", rate => "1r/m", burst => WIDE);

# Passes the limit and is refused behind it, cheaply.

my $small = EHR::Document->raw("<NOTHING/>");


# --- one facility ------------------------------------------------------------

my $client = $world->client("99001");
my $last;

for my $left (reverse 0 .. BURST - 1) {
    $last = $world->submit($client, $small);

    is($last->status, 422, "let through with $left left");
    like($last->header("RateLimit"), qr/^"facility";r=$left;t=\d+$/,
         "and told so");
}

is($last->header("RateLimit-Policy"), '"facility";q=5;w=295',
   "the policy is the burst and the time it takes to come back");

my $res = $world->submit($client, $small);

is($res->status, 429, "one more than the burst is refused");
is($res->code, "limit.rate", "with its code");
cmp_ok($res->header("Retry-After"), ">=", 1, "Retry-After says when");
cmp_ok($res->header("Retry-After"), "<=", STEP, "one will be let through");
is($res->header("RateLimit"),
   '"facility";r=0;t=' . $res->header("Retry-After"),
   "RateLimit names the same moment");

$res = $world->submit($client, $small, "Accept-Language" => "en");
like($res->json->{title}, qr/^Too many requests$/, "in English when asked");

is($world->metric("ehr_limit_refused_total"), 2, "refusals are counted");
is($world->metric('ehr_limit_checks_total{by="local"}'), 7, "checks too");
is($world->metric('ehr_limit_checks_total{by="redis"}'), 0, "no Redis");


# --- a body is not read before -----------------------------------------------

my ($head) = $client->request_bytes("POST", "/v1/documents",
    headers => [ "Authorization" => "Bearer $client->{token}",
                 "Content-Type" => "application/xml",
                 "Content-Length" => 1000, "Expect" => "100-continue" ]);

$client->connect->write($head);
$res = $client->read_response;

is($res->status, 429, "who is over the limit is refused without a body");
is_deeply($res->interim, [], "and never told to go on");
$client->close;


# --- reading is not limited --------------------------------------------------

$res = $client->request("GET", "/v1/documents",
    headers => [ "Authorization" => "Bearer $client->{token}" ]);
is($res->status, 200, "documents can be listed meanwhile");
is($res->header("RateLimit"), undef, "under no policy");


# --- many connections, many workers ------------------------------------------

my @clients = map { $world->client("99002") } 1 .. CLIENTS;
my %statuses;

for my $round (1 .. WIDE / CLIENTS + 1) {
    $statuses{$world->submit($_, $small)->status}++ for @clients;
}

is_deeply(\%statuses, { 422 => WIDE, 429 => CLIENTS },
          "a facility's own burst holds exactly over all workers");


# --- no limit ----------------------------------------------------------------

my $pem = $world->issue("free");
$world->enrol("99003", rate => "off", cert => $pem);

my $free = $world->client($pem);

for (1 .. 3 * BURST) {
    $res = $world->submit($free, $small);
    last if $res->status == 429;
}

is($res->status, 422, "a facility without a limit is never refused");
is($res->header("RateLimit"), undef, "and no policy is told");


# --- the certificate's limit -------------------------------------------------

$world->reconfigure(cert_rate => "1r/m burst=3", rate => "off");
$client->close;

my @wrong = (headers => [ "Authorization" => "Bearer wrong",
                          "Content-Type" => "application/xml" ],
             body => "<NOTHING/>");

is($client->request("POST", "/v1/documents", @wrong)->status, 401,
   "a wrong token is looked at") for 1 .. 3;

$res = $client->request("POST", "/v1/documents", @wrong);
is($res->status, 429, "until the certificate has used up its burst");
like($res->header("RateLimit-Policy"), qr/^"certificate";q=3;w=\d+$/,
     "under its own policy");
cmp_ok($res->header("Retry-After"), ">=", 1, "with Retry-After");

is($world->client("99002")->request("POST", "/v1/documents", @wrong)
         ->status, 401,
   "another certificate is not concerned");


# --- what is written wrong does not start ------------------------------------

for my $case (
    [ "50", "invalid rate" ],
    [ "0r/s", "invalid rate" ],
    [ "-1r/s", "invalid rate" ],
    [ "50r/h", "invalid rate" ],
    [ "5000000r/s", "invalid rate" ],
    [ "50r/s burst=0", "invalid parameter" ],
    [ "50r/s burst=x", "invalid parameter" ],
    [ "50r/s burts=5", "invalid parameter" ],
    [ "off burst=5", "takes no burst" ],
    [ "50r/s; ehr_rate 5r/s", "is duplicate" ],
) {
    my ($rate, $why) = @$case;

    my ($is_good, $said) = $world->nginx_t(rate => $rate);
    ok(!$is_good && $said =~ /\[emerg\].*\Q$why\E/, "ehr_rate $rate: $why")
        or diag($said);
}

for my $rate ("50r/s", "600r/m", "1r/m burst=1", "off") {
    my ($is_good, $said) = $world->nginx_t(cert_rate => $rate);
    ok($is_good, "ehr_cert_rate $rate") or diag($said);
}

$world->allow(qr/\[emerg\]/);
$world->finish;
done_testing();
