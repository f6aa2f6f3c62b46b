#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that is killed while it sends, waits for an answer or logs in loses
# no delivery: another takes it back within seconds, the history tells of it,
# and the lock of a log-in dies with its worker.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id submit_all
    clients wait_state seen logins);
use EHR::Document;
use EHR::Util qw(slurp wait_for);
use EHR::World;

my $world = EHR::World->new(
    partner      => "retry=20ms,100ms",
    read_timeout => "60s",
);

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");


sub checkin { return EHR::Document->checkin(facility => "99001") }


# Workers with a connection to the partner.

sub senders {
    my $port = sprintf("%04X", $sim->port);
    my %inode;

    for my $line (split(/\n/, slurp("/proc/net/tcp"))) {
        my @field = split(" ", $line);
        $inode{$field[9]} = 1 if $field[2] =~ /:$port$/ && $field[3] eq "01";
    }

    return grep {
        grep { (readlink($_) || "") =~ /^socket:\[(\d+)\]$/ && $inode{$1} }
            glob("/proc/$_/fd/*")
    } $world->workers;
}


# Kills whoever talks to the partner, and waits for its successor.

sub kill_senders {
    my @pids = senders() or return 0;

    $world->kill_worker($_) for @pids;

    my %killed = map { $_ => 1 } @pids;
    wait_for(10, sub {
        my @now = $world->workers;
        return @now == 2 && !grep { $killed{$_} } @now;
    });

    # Connections of ours to a dead worker are gone.
    $client->close;

    return scalar @pids;
}


sub is_taken_back {
    my ($what, $id) = @_;

    my $delivery = wait_state($world, $client, $id, "accepted", 20);
    my @attempts = attempts($world, $client, $id);

    is($delivery && $delivery->{state}, "accepted", "$what: it arrives");
    is_deeply([ map { [ @$_{qw(attempt state reason)} ] } @attempts ],
              [ [ 1, "retrying", "worker.lost" ], [ 2, "accepted", "" ] ],
              "$what: the first attempt is told as lost");
    isnt($attempts[0]{worker}, $attempts[1]{worker},
         "$what: another worker made the second");
    like($attempts[0]{ended_at}, qr/Z$/, "$what: and the first has ended");

    return;
}


# --- no answer yet ----------------------------------------------------------

$sim->mode("hang", count => 1);

my $seen = seen($sim);
my $doc = checkin();
my $id = accepted_id($world->submit($client, $doc));

ok(wait_for(10, sub { seen($sim) > $seen }), "the partner has the request");
is(kill_senders(), 1, "the worker that sent it is killed");
is_taken_back("no answer", $id);
is(scalar(grep { $_->{sha256} eq $doc->sha256 } $sim->received), 1,
   "no answer: the partner keeps it once");

is_deeply([ grep { /worker\.lost/ } decisions($world, $client, $id) ],
          [ "retrying worker.lost" ], "the decisions tell the same");


# --- kept by the partner, the answer still on its way -----------------------

$sim->mode("slow", count => 1, delay_ms => 30_000);

$doc = checkin();
$id = accepted_id($world->submit($client, $doc));

ok(wait_for(10, sub {
    grep { $_->{sha256} eq $doc->sha256 } $sim->received
}), "the partner has kept it");
cmp_ok(kill_senders(), ">=", 1, "the worker that waits is killed");
is_taken_back("answer lost", $id);
is(scalar(grep { $_->{sha256} eq $doc->sha256 } $sim->received), 2,
   "answer lost: sent again, for a repeat is safe");


# --- in a log-in ------------------------------------------------------------

$sim->reset;
$sim->mode("login-hang", count => 1);

$id = accepted_id($world->submit($client, checkin()));

ok(wait_for(10, sub { logins($sim) }), "a log-in is under way");
cmp_ok(kill_senders(), ">=", 1, "its worker is killed");
is_taken_back("in a log-in", $id);
is(logins($sim), 2, "another worker could log in at once");


# --- all of them, with much to do -------------------------------------------

$sim->mode("slow", delay_ms => 200);

my @clients = clients($world, "99001", 20);
my @docs = map { checkin() } 1 .. 20;
my @ids = map { accepted_id($_) } submit_all($world, \@clients, \@docs);

ok(wait_for(10, sub { senders() == 2 }), "both workers send");
is(kill_senders(), 2, "both are killed");
$sim->mode("normal");

my %states;
for my $one (@ids) {
    my $delivery = wait_state($world, $client, $one, "accepted", 20);
    $states{$delivery ? $delivery->{state} : "not accepted"}++;
}

is_deeply(\%states, { accepted => 20 }, "every document arrives");

my %received = map { $_->{sha256} => 1 } $sim->received;
is(scalar(grep { $received{$_->sha256} } @docs), 20, "byte for byte");

cmp_ok($world->metric("ehr_deliveries_recovered_total"), ">=", 4,
       "what was taken back is counted");
is($world->metric('ehr_deliveries{partner="insurance",state="sending"}')
   || 0, 0, "nothing is left behind");

$world->finish;
done_testing();
