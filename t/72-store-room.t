#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The journal's room: under the floor nothing new is taken, deliveries go on,
# and it recovers by itself; what is past its retention goes; a new key takes
# over; the sweeper mends what is broken and nothing else.

use strict;
use warnings;

use Test::More;

use EHR::Document;
use EHR::Util qw(run spew wait_for);
use EHR::World;


my $world = EHR::World->new(workers => 2);

sub sql {
    return run("sqlite3", "-cmd", ".timeout 5000", $world->journal, $_[0]);
}

sub swept {
    my $sum = 0;
    $sum += $world->metric("ehr_sweep_repaired_total{what=\"$_\"}")
        for qw(due partner submission content attempt);
    return $sum;
}

sub is_full {
    return $world->metric("ehr_store_full");
}

# --- what nginx -t says -----------------------------------------------------

for my $bad ([ "checkups content=1d", qr/unknown kind/ ],
             [ "claim content=0s", qr/at least a second/ ],
             [ "claim forever=1d", qr/unknown word/ ],
             [ "claim content=9d record=8d", qr/less time/ ])
{
    my ($is_good, $said) = $world->nginx_t(http => "ehr_retention $bad->[0];");
    ok(!$is_good, "ehr_retention $bad->[0] is refused");
    like($said, $bad->[1], "with the reason");
}

my ($is_good) = $world->nginx_t(
    http => "ehr_retention claim content=90d record=3650d;"
            . " ehr_retention default content=30d;");
ok($is_good, "a good one is taken");
($is_good) = $world->nginx_t(
    http => "ehr_retention claim content=1d; ehr_retention claim content=2d;");
ok(!$is_good, "a kind twice is refused");

# --- the floor --------------------------------------------------------------

$world->start;
$world->enrol("99001");
my $client = $world->client("99001");

ok(!is_full(), "there is room");
is($world->ops("/readyz")->status, 200, "and it is ready");

$world->sim->mode("http-500");
my $waiting = $world->submit($client,
                             EHR::Document->claim(facility => "99001"));
is($waiting->status, 202, "a document waits for its partner");

$world->allow(qr/too little room for the journal/);
$world->reconfigure(http => "ehr_store_free 900000g;");
ok(wait_for(10, sub { is_full() }), "below the floor it says so");
$client = $world->client("99001");

# each worker looks for itself
ok(wait_for(10, sub {
    my @codes = map {
        $world->submit($world->client("99001"),
                       EHR::Document->claim(facility => "99001"))->status
    } 1 .. 4;
    return !grep { $_ != 503 } @codes;
}), "every worker refuses what is new");

my $doc = EHR::Document->claim(facility => "99001");
my $res = $world->submit($client, $doc);
is($res->code, "store.unavailable", "as the store's problem");
ok($res->header("Retry-After"), "with a time to come again");

$res = $world->submit($client, $doc,
                      path => "/v1/documents?validate_only=true");
is($res->status, 200, "what is only validated needs no room");
is($world->ops("/readyz")->status, 503, "it is not ready");
ok(!$world->ops("/readyz")->json->{checks}{disk}{ok}, "for its disk");

$world->sim->mode("normal");
is($world->wait_settled($client, $waiting->json->{id}, 20)
         ->{deliveries}[0]{state}, "accepted", "deliveries go on");

$world->reconfigure(http => "ehr_store_max 1;");
ok(wait_for(10, sub { is_full() }), "beyond its own size it is full too");

$world->reconfigure(http => "");
ok(wait_for(10, sub { !is_full() }), "with room it recovers");
$client = $world->client("99001");
is($world->submit($client, $doc, "Prefer" => "wait=10")->status, 200,
   "and takes the document");

# --- retention --------------------------------------------------------------

my $id = $waiting->json->{id};
is($world->get($client, "/v1/documents/$id/content")->status, 200,
   "content is kept");

$world->sim->mode("http-500");
my $open = $world->submit($client,
                          EHR::Document->claim(facility => "99001"))
                 ->json->{id};
$world->reconfigure(http => "ehr_retention claim content=1s;");
$client = $world->client("99001");

ok(wait_for(20, sub {
    $world->get($client, "/v1/documents/$id/content")->status == 410
}), "past its retention it is gone");
is($world->get($client, "/v1/documents/$id/content")->code,
   "document.content-removed", "and said to be");
is($world->get($client, "/v1/documents/$id")->status, 200,
   "its record is there");
is($world->get($client, "/v1/documents/$id/receipt")->status, 200,
   "and its receipt");
is($world->get($client, "/v1/documents/$open/content")->status, 200,
   "what is not delivered stays");
ok(wait_for(5, sub {
    $world->metric('ehr_retention_removed_total{what="content"}') > 0
}), "it is counted");
$world->sim->mode("normal");
ok($world->wait_settled($client, $open, 20), "and is delivered");

# --- a new key --------------------------------------------------------------

my $key = $world->dir . "/new.key";
spew($key, "0f" x 31 . "a1\n", 0600);
$world->reconfigure(http => "",
                    store_keys => [ $key, $world->pki . "/store.key" ]);
ok(wait_for(20, sub {
    sql("SELECT count(DISTINCT key) FROM contents") == 1
        && $world->metric("ehr_store_resealed_total") > 0
}), "what the old key sealed is sealed anew");
$client = $world->client("99001");
is($world->get($client, "/v1/documents/$open/content")->status, 200,
   "and opens");

# --- the sweeper ------------------------------------------------------------

is(swept(), 0, "so far there was nothing to mend");

$world->allow(qr/journal swept, mended/);
$world->stop;
my $seq = sql("SELECT max(seq) FROM submissions") + 0;
sql("UPDATE deliveries SET state = 'retrying', due_ms = 9000000000000000"
    . " WHERE seq = $seq");
$world->restart;

# A lane that looks first takes a time beyond its bounds for due; else the
# sweeper does.  The lease of a keeper that was stopped in its round stands for
# half a minute.

ok(wait_for(45, sub {
    $world->metric('ehr_sweep_repaired_total{what="due"}') == 1
        || sql("SELECT count(*) FROM deliveries WHERE seq = $seq"
               . " AND state = 'accepted'") == 1
}), "a time beyond all bounds holds nothing up");
cmp_ok(swept(), "<=", 1, "and nothing else is mended");

$world->finish;
done_testing();
