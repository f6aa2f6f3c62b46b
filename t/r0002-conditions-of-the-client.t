#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A document that is stored is answered 2xx whatever conditions the client
# sends: a 412 would say "certainly not stored".

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::World;

my $world = EHR::World->new(workers => 1, redis => 0, rate => "off",
    cert_rate => "off");
$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $doc = EHR::Document->checkin(facility => "99001");
my @conditions = ("If-Match" => '"x"',
    "If-Unmodified-Since" => "Thu, 01 Jan 1970 00:00:01 GMT");

is $world->submit($client, $doc, @conditions)->status, 202, "a new one";
is $world->submit($client, $doc, @conditions)->status, 200, "a duplicate";
is $world->submit($client, EHR::Document->checkin(facility => "99001"),
    @conditions, "Prefer" => "wait=20")->status, 200, "one that waits";

$world->finish;
done_testing();
