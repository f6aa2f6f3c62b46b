#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Memory runs out, once, at one allocation of a worker after the other, and
# for a while at all: what was acknowledged is delivered within seconds by the
# same worker, without a restart; nothing stays "sending" or is held.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id wait_state);
use EHR::Document;
use EHR::Util qw(insist is_sanitized wait_for);
use EHR::World;

# A document takes some 340 allocations until it is stored, and 150 more until
# it is delivered.  A sanitizer's memory does not run out.
use constant { LAST => is_sanitized() ? 3 : 450, EACH => 3 };

my $world = EHR::World->new(workers => 1, redis => 0, fault => 1,
                            partner => "retry=20ms,200ms");
$world->start;
$world->enrol("99001");
$world->allow(qr/memory|malloc|SSL/);

my @workers = $world->workers;
my $fault = $world->fault;
my $client = $world->client("99001");
my @ids;


sub submit {
    my $doc = EHR::Document->checkin(facility => "99001");
    my $res = insist(sub { $world->submit($client, $doc) });

    return unless $res && $res->status == 202;

    push @ids, accepted_id($res);

    return $ids[-1];
}


sub all_are_delivered {
    my ($what) = @_;

    $fault->clear;

    my @stuck = grep {
        !wait_state($world, $client, $_, "accepted", 10)
    } splice(@ids);

    is("@stuck", "", "$what: every acknowledged document is delivered");
    is_deeply([ $world->workers ], \@workers, "$what: by the same worker");

    return;
}


submit();
all_are_delivered("memory enough");


# --- once -------------------------------------------------------------------

my $hits = 0;

for my $nth (map { 1 + $_ * EACH } 0 .. LAST / EACH - 1) {
    $fault->plan("memory * $nth ENOMEM");
    submit();
    # A delivery that failed goes on when its time has come: others' turn.
    wait_for(0.05, sub { $fault->hits }) unless is_sanitized();
    $hits += $fault->hits;
}

cmp_ok($hits, is_sanitized() ? "==" : ">",
       is_sanitized() ? 0 : LAST / EACH / 2,
       "allocations failed in their turn");
cmp_ok(scalar @ids, ">", 0, "documents were accepted");
all_are_delivered("one allocation fails");


# --- for a while ------------------------------------------------------------

$world->sim->stop;
submit() for 1 .. 20;
$fault->plan("memory * 1+ ENOMEM");
$world->sim->start;
wait_for(10, sub { $fault->hits > 20 }) unless is_sanitized();
all_are_delivered("no memory for a while");

$world->finish;
done_testing();
