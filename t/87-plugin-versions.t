#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A partner's plugin that was built with an older header works as it did: what
# the header has grown since, nobody looks for behind its structure.  One
# that was built with a newer header, or with half of what a partner needs,
# stops the start with the reason.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id wait_state);
use EHR::Document;
use EHR::World;

my $world = EHR::World->new(
    sim            => 0,
    standin        => "retry=20ms,100ms query=50ms,200ms set.query=on",
    standin_plugin => "old",
);

# --- what does not fit -------------------------------------------------------

my @misfits = (
    [ "SYMBOL", "without its symbol", qr/exports no "ehr_plugin"/ ],
    [ "MAJOR", "of the next major version",
      qr/built with version 2\.\d+ of ehr_plugin\.h: 1\.1 to 1\.\d+ fit/ ],
    [ "MINOR", "of the next minor version",
      qr/built with version 1\.\d+ of ehr_plugin\.h: 1\.1 to 1\.\d+ fit/ ],
    [ "FIRST", "of 1.0", qr/built with version 1\.0 of/ ],
    [ "SHORT", "shorter than its version", qr/not the size of its version/ ],
    [ "LONG", "longer than its version", qr/not the size of its version/ ],
    [ "SIZE", "with another structure", qr/structures of other sizes/ ],
    [ "FLAGS", "with an unknown flag", qr/flags that nobody knows/ ],
    [ "NAME", "without a name", qr/no name/ ],
    [ "PREPARE", "without judge()", qr/is not a partner plugin/ ],
    [ "JUDGE", "without prepare()", qr/is not a partner plugin/ ],
    [ "NONE", "with validate() alone", qr/is not a partner plugin/ ],
);

for my $case (@misfits) {
    my ($variant, $what, $reason) = @$case;

    my ($is_good, $said) = $world->nginx_t(standin_plugin => "odd-$variant");

    ok(!$is_good && $said =~ /\[emerg\].*partner "standin": .*$reason/,
       "refused: a plugin $what") or diag($said);
}

# --- what was built with 1.1 -------------------------------------------------

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $standin = $world->standin;


sub sent {
    my $doc = EHR::Document->notice(facility => "99001");

    return accepted_id($world->submit($client, $doc));
}


my $delivery = wait_state($world, $client, sent(), "accepted");

like($delivery->{partner_ref}, qr/^SI-\d+$/, "1.1: it delivers");

$standin->mode("lost", count => 1);
$delivery = wait_state($world, $client, sent(), "uncertain");

is($delivery->{reason}, "partner.no-answer", "1.1: nobody knows");
is($delivery->{next_query_at}, undef, "1.1: and nobody will ask");
is($standin->stats->{queries}, 0, "nobody has");

# --- and the same with today's -----------------------------------------------

$client->close;
$world->reconfigure(standin_plugin => "standin");
$client = $world->client("99001");

$standin->mode("lost", count => 1);
$delivery = wait_state($world, $client, sent(), "accepted");

ok($delivery, "today's: the partner is asked");
cmp_ok($standin->stats->{queries}, ">", 0, "it was");
is($standin->stats->{repeated}, 0, "nothing was sent twice");

$world->finish;
done_testing();
