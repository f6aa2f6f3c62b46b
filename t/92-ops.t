#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# /livez, /readyz and /metrics: ready means that a document can be accepted
# now, each check has a name, losing Redis only degrades, and the metrics are
# those of docs/operations.md in a form that Prometheus reads.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(top slurp wait_for);
use EHR::World;

my $world = EHR::World->new(workers => 1);
$world->start;
$world->enrol("99001");


# --- livez, readyz ----------------------------------------------------------

my $res = $world->ops("/livez");
is($res->status, 200, "alive");
is($res->body, "ok\n", "and says so");

my @checks = qw(crl disk keys redis registry room store store_keys);

$res = $world->ops("/readyz");
is($res->status, 200, "ready");
is($res->header("Content-Type"), "application/json", "in JSON");
is_deeply([ sort keys %{$res->json->{checks}} ],
          [ sort @checks, "partners" ],
          "with every check by its name");
ok($res->json->{ready}, "which says so");
ok($res->json->{checks}{$_}{ok}, "$_ is well") for @checks;
ok($res->json->{checks}{partners}{insurance}{ok}, "so is the partner");
ok(!$res->json->{checks}{$_}{degraded}, "$_ is not degraded")
    for qw(redis room store_keys);

# The journal's folder is not where it was: no room can be seen.

my $journal = $world->journal;
rename($journal, "$journal.away") or die "cannot rename: $!";
$res = $world->ops("/readyz");
rename("$journal.away", $journal) or die "cannot rename: $!";

is($res->status, 503, "not ready");
ok(!$res->json->{ready}, "which it says");
ok(!$res->json->{checks}{disk}{ok}, "and why");
ok($res->json->{checks}{keys}{ok}, "what is well is still well");
is($world->ops("/readyz")->status, 200, "ready again");

is($world->ops("/x")->status, 404, "there is no other path");

my $client = EHR::Client->new(port => $world->port("ops"), tls => 0);
is($client->request("POST", "/readyz")->status, 405, "and nothing to post");


# --- metrics ----------------------------------------------------------------

my $hospital = $world->client("99001");
my $doc = EHR::Document->claim(facility => "99001");

is($world->submit($hospital, $doc, "Prefer" => "wait=10")->status, 200,
   "a document is accepted and delivered");
is($world->submit($hospital, $doc)->status, 200, "and once a duplicate");

$res = $world->ops("/metrics");
is($res->status, 200, "there are metrics");
is($res->header("Content-Type"),
   "text/plain; version=0.0.4; charset=utf-8", "of Prometheus");

my (%type, %help, %series, @faults);

for my $line (split(/\n/, $res->body)) {
    if ($line =~ /^# HELP (\w+) (\S.*)$/) {
        push @faults, "two helps of $1" if $help{$1}++;

    } elsif ($line =~ /^# TYPE (\w+) (counter|gauge)$/) {
        push @faults, "two types of $1" if $type{$1};
        push @faults, "type before help of $1" unless $help{$1};
        $type{$1} = $2;

    } elsif ($line =~ /^(\w+)(\{(?:\w+="\w+",?)+\})? (\d+(?:\.\d+)?)$/) {
        my $series = $1 . ($2 || "");
        push @faults, "two values of $series" if exists $series{$series};
        push @faults, "value before type of $1" unless $type{$1};
        $series{$series} = $3;

    } else {
        push @faults, "not a line of the format: $line";
    }
}

is_deeply(\@faults, [], "every line is one of the format");
like($res->body, qr/\n\z/, "and the last one ends");

my $page = slurp(top() . "/docs/operations.md");
my %documented = map { $_ => 1 } $page =~ /^\| `(ehr_\w+)`/mg;
is_deeply([ sort keys %type ], [ sort keys %documented ],
          "all that docs/operations.md lists, and no more");

is($series{'ehr_documents_total{result="accepted"}'}, 1, "one accepted");
is($series{'ehr_documents_total{result="duplicate"}'}, 1, "one duplicate");
is($series{'ehr_outcomes_total{outcome="accepted"}'}, 1, "one delivered");
is($series{'ehr_tokens_issued_total'}, 1, "one token");
is($series{ehr_store_readable}, 1, "the store is readable");
cmp_ok($series{ehr_store_free_bytes}, ">", 0, "there is room");
is($series{"ehr_deliveries{partner=\"insurance\",state=\"$_\"}"}, 0,
   "nothing is $_")
    for qw(pending sending retrying uncertain held);

unlike($res->body, qr/99001/, "no facility is named");


# --- the queue --------------------------------------------------------------

$world->sim->stop;

is($world->submit($hospital, EHR::Document->claim(facility => "99001"))
       ->status, 202, "a document is accepted while the partner is away");

ok(wait_for(10, sub {
    return $world->metric(
        'ehr_deliveries{partner="insurance",state="retrying"}');
}), "it is counted as retrying");

my $oldest = 'ehr_delivery_oldest_age_seconds'
    . '{partner="insurance",state="retrying"}';

ok(wait_for(10, sub { return $world->metric($oldest) }), "and gets older");


# --- Redis ------------------------------------------------------------------

$world->redis_kill;

ok(wait_for(10, sub {
    my $ready = $world->ops("/readyz");

    # Only a check of a limit can notice.
    $world->get($hospital, "/v1/documents");

    return $ready->status == 200 && !$ready->json->{checks}{redis}{ok};
}), "without Redis it is still ready");

my $redis = $world->ops("/readyz")->json->{checks}{redis};
ok($redis->{degraded}, "but degraded");
is($world->metric("ehr_redis_away_workers"), 1, "which is counted");

$world->redis_start;

ok(wait_for(20, sub {
    my $ready = $world->ops("/readyz");

    $world->get($hospital, "/v1/documents");

    return $ready->json->{checks}{redis}{ok};
}), "and is over when Redis returns");

is($world->metric("ehr_redis_away_workers"), 0, "in the metrics, too");

$world->finish;
done_testing();
