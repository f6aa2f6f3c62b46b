#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# "Prefer: wait" holds the answer until every partner has answered or the time
# is over, whichever worker delivers; whoever leaves meanwhile loses nothing.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts accepted_id submit_all clients
    wait_state seen);
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

use constant WAITERS => 50;

my $world = EHR::World->new(
    workers      => 4,
    partner      => "retry=20ms,100ms concurrency=1",
    read_timeout => "5s",
);

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");


sub checkin { return EHR::Document->checkin(facility => "99001") }


# --- the result -------------------------------------------------------------

my $res = $world->submit($client, checkin(), "Prefer" => "wait=10");

is($res->status, 200, "the partner has answered: 200");
is($res->json->{deliveries}[0]{state}, "accepted", "with its answer");
like($res->json->{deliveries}[0]{partner_ref}, qr/^SIM-/,
     "and its transaction code");
ok($res->json->{receipt}, "and our receipt");
ok(!$res->json->{duplicate}, "as the first");

$sim->mode("code-123", count => 1);
$res = $world->submit($client, checkin(), "Prefer" => "wait=10");

is_deeply([ $res->status, $res->json->{deliveries}[0]{state},
            $res->json->{deliveries}[0]{partner_code} ],
          [ 200, "refused", "123" ],
          "a refusal of the partner is an answer too");

$sim->mode("http-500", count => 1);
$res = $world->submit($client, checkin(), "Prefer" => "wait=10");

is_deeply([ $res->status, $res->json->{deliveries}[0]{state},
            $res->json->{deliveries}[0]{attempts} ],
          [ 200, "accepted", 2 ],
          "a temporary failure is not: the wait goes on");


# --- without, shorter, nonsense ---------------------------------------------

$sim->mode("hang");

$res = $world->submit($client, checkin());
is_deeply([ $res->status, $res->json->{deliveries}[0]{state} ],
          [ 202, "pending" ], "without a wish: 202 at once");

$res = $world->submit($client, checkin(), "Prefer" => "wait=0");
is($res->status, 202, "wait=0: 202");

$res = $world->submit($client, checkin(), "Prefer" => "wait=-5");
is($res->status, 202, "an unreadable wish is none");

$res = $world->submit($client, checkin(), "Prefer" => "nowait=30");
is($res->status, 202, "another's preference is not ours");

$res = $world->submit($client, checkin(),
                      "Prefer" => "respond-async", "Prefer" => "wait=1");
is($res->status, 202, "a partner that takes longer: 202");
like($res->json->{deliveries}[0]{state}, qr/^(pending|sending|retrying)$/,
     "with the state as it is then");

# Hanging connections end with the partner.

sub calm {
    $sim->stop;
    $sim->start;
    $sim->mode("normal");

    return wait_for(20, sub {
        my $left = 0;

        for my $state (qw(pending sending retrying)) {
            $left += $world->metric('ehr_deliveries{partner="insurance",'
                                    . "state=\"$state\"}") || 0;
        }

        return $left == 0;
    });
}

ok(calm(), "when the partner answers again, all go out");

is(accepted_id($world->submit($client, checkin(), "Prefer" => "wait=10"))
   ? 1 : 0, 1, "and the next one waits for its answer");


# --- another worker delivers ------------------------------------------------

# One place for all workers.  What is accepted while it is taken is sent by
# whoever gives it back, and its waiter sits in the other worker.

sub worker_of {
    my ($client) = @_;

    my $res = $world->submit($client, checkin(), "Prefer" => "wait=10");
    my ($one) = attempts($world, $client, $res->json->{id});

    return $one->{worker};
}

my @two = clients($world, "99001", 12);
my %by_worker = map { worker_of($_) => $_ } @two;
cmp_ok(scalar(keys %by_worker), ">", 1, "connections to several workers");

for my $turn (1 .. 3) {
    my ($here, $there) = map { $by_worker{$_} } sort keys %by_worker;
    ($here, $there) = ($there, $here) if $turn == 2;

    $sim->mode("slow", count => 1, delay_ms => 1000);

    my $seen = seen($sim);
    my $first = accepted_id($world->submit($here, checkin()));
    ok(wait_for(10, sub { seen($sim) > $seen }), "the first is out");

    $res = $world->submit($there, checkin(), "Prefer" => "wait=10");

    is_deeply([ $res->status, $res->json->{deliveries}[0]{state} ],
              [ 200, "accepted" ], "the second is answered");

    my ($one) = attempts($world, $here, $first);
    my ($two) = attempts($world, $there, $res->json->{id});

    is($one->{worker}, $two->{worker}, "by the worker of the first");
    cmp_ok($two->{started_at}, "ge", $one->{ended_at},
           "after the first: one place is for all workers");
}

$_->close for @two;


# --- many at once -----------------------------------------------------------

my @clients = clients($world, "99001", WAITERS);
my @docs = map { checkin() } 1 .. WAITERS;
my @answers = submit_all($world, \@clients, \@docs, "Prefer" => "wait=30");

my %seen;
$seen{$_->status . " " . $_->json->{deliveries}[0]{state}}++ for @answers;

is_deeply(\%seen, { "200 accepted" => WAITERS },
          "each of many waiters gets the result");

my %sha256 = map { $_->sha256 => 1 } @docs;
is(scalar(grep { delete $sha256{$_->json->{sha256}} } @answers), WAITERS,
   "of its own document");


# --- who leaves -------------------------------------------------------------

$sim->mode("slow", delay_ms => 700);

my @leaving = map { checkin() } 1 .. 10;

for my $i (0 .. $#leaving) {
    my $gone = $clients[$i];
    my ($head, $body) = $gone->request_bytes("POST", "/v1/documents",
        headers => [ "Authorization" => "Bearer $gone->{token}",
                     "Content-Type" => "application/xml",
                     "Prefer" => "wait=30" ],
        body => $leaving[$i]->bytes);

    $gone->connect unless $gone->is_open;
    $gone->write($head . $body);
}

my %wanted = map { $_->sha256 => 1 } @leaving;

ok(wait_for(10, sub { grep { $wanted{$_->{sha256}} } $sim->received }),
   "while they wait, the first is with the partner");

$_->abort for @clients[0 .. 4];
$_->close for @clients[5 .. 9];
$sim->mode("normal");

ok(wait_for(20, sub {
    my %there = map { $_->{sha256} => 1 } $sim->received;
    return !grep { !$there{$_} } keys %wanted;
}), "all documents arrive though all clients have left");

$res = $world->submit($client, $leaving[0], "Prefer" => "wait=10");

is_deeply([ $res->status, $res->json->{duplicate},
            $res->json->{deliveries}[0]{state} ],
          [ 200, JSON::PP::true(), "accepted" ],
          "who comes back finds the result");

$_->close for @clients;
$world->finish;
done_testing();
