#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that starts while the journal's folder is away lives, answers 503,
# and works when the folder is back; nothing has to be restarted.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

my $world = EHR::World->new(workers => 2, redis => 0, rate => "off",
    cert_rate => "off");
$world->allow(qr/journal/, qr/open\(.*\) failed/, qr/registry could not/);
$world->start;
$world->enrol("99001");

my $auth = "Bearer " . $world->token("99001");
my $journal = "$world->{dir}/journal";

rename $journal, "$journal.away" or die "rename: $!";
$world->kill_worker(($world->workers)[0]);

ok wait_for(20, sub { scalar(() = $world->workers) == 2 }),
    "a new worker stands";

my $submit = sub {
    my $client = $world->client("99001");
    my $res = $client->request("POST", "/v1/documents", headers => [
        "Content-Type" => "application/xml", Authorization => $auth ],
        body => EHR::Document->checkin(facility => "99001")->bytes);
    return $res ? $res->status : 0;
};

ok wait_for(20, sub { $submit->() == 503 }), "and says 503";

rename "$journal.away", $journal or die "rename: $!";

ok wait_for(30, sub {
    my %seen;
    $seen{ $submit->() }++ for 1 .. 12;
    return keys %seen == 1 && $seen{202};
}), "with the folder back every worker accepts";

$world->finish;
done_testing();
