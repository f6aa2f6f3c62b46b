#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The same bytes from the same facility are one submission, also when they
# come twice at the same moment to different workers (I3): one answer is the
# first, the other is a duplicate with the same id, and the partner gets the
# document once.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Load;
use EHR::Util qw(wait_for);
use EHR::World;

use constant {
    CLIENTS     => 20,
    EACH        => $ENV{EHR_VALGRIND} ? 5 : 200,
    DELIVER_SEC => 120,
};

my $documents = CLIENTS * EACH;

my $world = EHR::World->new(workers => 4);
$world->start;
$world->enrol($_) for qw(99001 99002);

my $load = EHR::Load->new($world,
    facilities => [ qw(99001 99002) ],
    options    => [ "--connections", CLIENTS, "--requests", $documents,
                    "--twins" ]);

my $result = $load->start->wait;

is($load->status, 0, "every answer is right");
is($result->{by_status}{202}, $documents, "each document is accepted once");
is($result->{by_status}{200}, $documents, "and once a duplicate");
is($result->{duplicates}, $documents, "which the answer says");


# --- the ledger -------------------------------------------------------------

my %by_sha;
push @{$by_sha{$_->{sha256}}}, $_ for $load->ledger;

is(scalar(keys %by_sha), $documents, "that many different documents");

my %ids;
my %wrong = (pairs => 0, ids => 0, firsts => 0, statuses => 0);

for my $answers (values %by_sha) {
    $wrong{pairs}++ if @$answers != 2;
    $wrong{ids}++ if grep { $_->{id} ne $answers->[0]{id} } @$answers;
    $wrong{firsts}++ if 1 != grep { !$_->{is_duplicate} } @$answers;
    $wrong{statuses}++
        if grep { $_->{status} != ($_->{is_duplicate} ? 200 : 202) } @$answers;
    $ids{$answers->[0]{id}} = 1;
}

is_deeply(\%wrong, { pairs => 0, ids => 0, firsts => 0, statuses => 0 },
          "two answers each, one id, one first");
is(scalar(keys %ids), $documents, "no two documents share an id");


# --- the partner ------------------------------------------------------------

wait_for(DELIVER_SEC, sub {
    return $world->sim->stats->{documents} >= $documents;
});

my $stats = $world->sim->stats;
is($stats->{documents}, $documents, "all of them reach the partner");
is($stats->{duplicates}, 0, "none of them twice");

my @received = $world->sim->received;
my %received = map { $_->{sha256} => 1 } @received;
is_deeply([sort keys %received], [sort keys %by_sha], "byte for byte");

is($world->metric('ehr_documents_total{result="accepted"}'), $documents,
   "the metrics count the accepted");
is($world->metric('ehr_documents_total{result="duplicate"}'), $documents,
   "and the duplicates");

$world->finish;
done_testing();
