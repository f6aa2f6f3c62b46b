#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What is left of a body that was refused in the middle is never read as the
# next request of the connection.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::World;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off",
    location => "ehr_body_deadline 1s; ehr_body_max_size 64k;");
$world->start;
$world->enrol("99001");

my $auth = "Authorization: Bearer " . $world->token("99001") . "\r\n";
my $head = "POST /v1/documents HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Type: application/xml\r\n$auth";
my $hidden = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n";

sub refused {
    my ($name, $status, $first, $rest) = @_;

    my $client = $world->client("99001");
    $client->connect;
    $client->write($first);
    my $res = $client->read_response;
    is $res && $res->status, $status, "$name: refused";

    $client->write($rest);
    my $next = $client->read_response;
    ok !defined $next, "$name: the rest is no request"
        or diag $next->status;
}

refused("too slow", 408, "${head}Content-Length: 5000\r\n\r\n<a>", $hidden);

refused("a broken chunk", 400,
    "${head}Transfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\nzz\r\n", $hidden);

refused("too large, chunked", 413,
    "${head}Transfer-Encoding: chunked\r\n\r\n20000\r\n" . "a" x 1000,
    $hidden);

$world->finish;
done_testing();
