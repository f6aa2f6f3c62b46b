#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# One hospital's thousands of documents do not delay another's one: it is
# among the first that the partner gets, after an outage and when the lane is
# busy with the thousands.  "make bench-lanes" does it with 10,000
# (EHR_FAIR_DOCUMENTS).

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id);
use EHR::Document;
use EHR::Load;
use EHR::Util qw(is_sanitized run wait_for);
use EHR::World;

use constant {
    LANE    => 4,              # concurrency=
    TURNS   => 12,             # of a lane: more than its claims ahead
    ARRIVAL => 60,
};

my $many = $ENV{EHR_FAIR_DOCUMENTS} || (is_sanitized() ? 300 : 2000);

my $world = EHR::World->new(workers => 2, redis => 0, log_level => "notice",
                            partner => "retry=50ms,200ms concurrency="
                                       . LANE);
$world->start;
$world->enrol($_) for qw(99001 99002);

my $sim = $world->sim;
my $client = $world->client("99002");


sub waiting {
    return run("sqlite3", "-readonly", "-cmd", ".timeout 5000",
               $world->journal, "SELECT count(*) FROM deliveries"
               . " WHERE state IN ('pending', 'sending', 'retrying')") + 0;
}


# Which place this document has among those that the partner got.

sub place_of {
    my ($doc) = @_;

    my $at = 0;

    for my $one ($sim->received) {
        $at++;
        return $at if $one->{sha256} eq $doc->sha256;
    }

    return undef;
}


sub submit {
    my ($doc) = @_;

    accepted_id($world->submit($client, $doc));

    return $doc;
}


sub checkin { return EHR::Document->checkin(facility => "99002") }


# --- after an outage --------------------------------------------------------

$sim->stop;

my $load = EHR::Load->new($world, claim => { only => [ "XML1" ] },
    options => [ "--connections", 8, "--requests", $many ])->start;
$load->wait;
is($load->status, 0, "$many documents of one hospital are accepted");

my $late = submit(checkin());

is(waiting(), $many + 1, "all of them wait, and one of another hospital");

$sim->start;

my $place = wait_for(ARRIVAL, sub { place_of($late) });

cmp_ok($place || $many, "<=", LANE * TURNS,
       "the one is number " . ($place || "none") . " that the partner gets");


# --- while the lane is busy -------------------------------------------------

$sim->mode("slow", delay_ms => 20);

my $before = $sim->stats->{distinct_sha256};

$late = submit(checkin());
$place = wait_for(ARRIVAL, sub { place_of($late) });

my $left = waiting();

cmp_ok(($place || $many) - $before, "<=", LANE * TURNS,
       "one more is number " . (($place || $many) - $before) . " from then");
cmp_ok($left, ">", $many / 4, "while $left wait");


# --- and nobody starves -----------------------------------------------------

$sim->mode("normal");

ok(wait_for(ARRIVAL, sub {
    $sim->stats->{distinct_sha256} > $before + LANE * TURNS
}), "the many go on");

$world->finish;
done_testing();
