#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# No query string reaches a log, also when nginx refuses the request before
# it is ours; a line break in the path begins no line of its own.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Util qw(slurp wait_for);
use EHR::World;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off",
    location => "ehr_body_max_size 1k;");
$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $logs = sub { join "", map { slurp($_) } glob("$world->{dir}/logs/*") };

is $client->request("POST", "/v1/documents?business_key=SECRET-KEY-1",
    headers => [ "Content-Type" => "application/xml" ],
    body => "a" x 5000)->status, 413, "refused by nginx itself";

$client = $world->client("99001");
is $client->get("/v1/documents/%0aFORGED?x=SECRET-KEY-2")->status, 404,
    "refused by us";

ok wait_for(10, sub { $logs->() =~ /too large body/ }), "it is logged";
unlike $logs->(), qr/SECRET-KEY/, "without the query";
unlike $logs->(), qr/^FORGED/m, "and on one line";

$world->finish;
done_testing();
