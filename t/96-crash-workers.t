#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A worker killed at any moment loses nothing that was acknowledged (I1, I5):
# every id that a hospital was told is in the journal, its bytes arrive at
# the partner, and SQLite's file is whole.  The hospital's repeat of the same
# bytes is safe.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Load;
use EHR::Util qw(run wait_for);
use EHR::World;

use constant {
    CLIENTS     => 20,
    EACH        => $ENV{EHR_VALGRIND} ? 10 : 200,
    RATE        => $ENV{EHR_VALGRIND} ? 20 : 400,
    KILL_SEC    => 1,
    KILLS_MIN   => 3,
    DELIVER_SEC => 120,
    LOOKED_AT   => 50,
};

my $documents = CLIENTS * EACH;

my $world = EHR::World->new(workers => 4);
$world->start;
$world->enrol($_) for qw(99001 99002);

# A fixed rate makes the run as long on a fast machine as on a slow one.

my $load = EHR::Load->new($world,
    facilities => [ qw(99001 99002) ],
    options    => [ "--connections", CLIENTS, "--requests", $documents,
                    "--rate", RATE, "--twins", "--retry", 1000 ]);

$load->start;

my $kills = 0;
my $next = time() + KILL_SEC;

while ($load->is_running) {
    sleep(0.05);

    if (time() >= $next) {
        $world->kill_worker;
        $kills++;
        $next += KILL_SEC;
    }
}

my $result = $load->wait;

note("$kills workers killed, $result->{retries} requests sent again");

cmp_ok($kills, ">=", KILLS_MIN, "workers were killed under load");
is($load->status, 0, "every document is acknowledged in the end");


# --- the ledger -------------------------------------------------------------

my %by_sha;
push @{$by_sha{$_->{sha256}}}, $_
    for grep { $_->{status} =~ /^20[02]$/ } $load->ledger;

is(scalar(keys %by_sha), $documents, "that many different documents");

my %wrong = (ids => 0, firsts => 0);

for my $answers (values %by_sha) {
    $wrong{ids}++ if grep { $_->{id} ne $answers->[0]{id} } @$answers;
    $wrong{firsts}++ if 1 < grep { !$_->{is_duplicate} } @$answers;
}

is_deeply(\%wrong, { ids => 0, firsts => 0 },
          "all answers to the same bytes have one id, at most one is first");


# --- the partner ------------------------------------------------------------

wait_for(DELIVER_SEC, sub {
    return $world->sim->stats->{distinct_sha256} >= $documents;
});

my %received = map { $_->{sha256} => 1 } $world->sim->received;
my @lost = grep { !$received{$_} } sort keys %by_sha;

is(scalar(@lost), 0, "every acknowledged document arrives")
    or diag(join("\n", map { "lost: $_ $by_sha{$_}[0]{id}" } @lost));

is(scalar(keys %received), $documents, "and nothing that was never sent");


# --- the journal ------------------------------------------------------------

my %client = map { $_ => $world->client($_) } qw(99001 99002);
my @ids = map { $_->[0]{id} } values %by_sha;
my $unsettled = 0;

for my $id (@ids[0 .. LOOKED_AT - 1]) {
    my $known = $world->get($client{"99001"}, "/v1/documents/$id");
    my $owner = $known && $known->status == 200 ? "99001" : "99002";
    my $state = $world->wait_settled($client{$owner}, $id, 30);

    $unsettled++ unless $state
        && $state->{deliveries}[0]{state} =~ /^accepted/;
}

is($unsettled, 0, "the journal knows how their deliveries ended");

is(run("sqlite3", "-readonly", $world->journal, "PRAGMA integrity_check"),
   "ok\n", "the journal's file is whole");

$world->finish;
done_testing();
