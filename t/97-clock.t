#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The wall clock jumps by hours and by years, forward and back: hospitals get
# a new token and go on, what waits for a time goes out no later than the
# longest back-off after the clock is right again, waiting clients and lists
# notice nothing, and a reload mends what it mends on other days.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id decisions delivery wait_state);
use EHR::Document;
use EHR::Util qw(limit wait_for);
use EHR::World;

use constant {
    HOUR => 3600,
    DAY  => 86400,
};

my $world = EHR::World->new(workers => 1, redis => 0, fault => 1,
                            partner => "retry=100ms,2s deadline=3000d");

# A day after the certificates were made: there is room to go back.
$world->fault->clock(DAY);
$world->start;
$world->enrol("99001");

my $fault = $world->fault;
my $sim = $world->sim;
my $client = $world->client("99001");


sub doc { return EHR::Document->checkin(facility => "99001") }

# nginx reads the clock when something happens.

sub jump {
    my ($sec) = @_;

    $fault->clock(DAY + $sec);
    $world->ops("/livez") for 1 .. 3;

    return;
}

# As a client does: 401 is answered by a new token.

sub submit {
    my (@headers) = @_;

    my $doc = doc();
    my $res = $world->submit($client, $doc, @headers);

    if ($res && $res->status == 401) {
        $client->close;
        delete $client->{token};
        $res = $world->submit($client, $doc, @headers);
    }

    return $res;
}


# --- tokens -----------------------------------------------------------------

is(submit()->status, 202, "accepted");

for my $jump (20, -20) {
    my $token = $client->{token};

    jump($jump);
    is(submit()->status, 202, "$jump s: accepted");
    is($client->{token}, $token, "$jump s: by the same token");
    jump(0);
}

for my $jump (5 * HOUR, -5 * HOUR, 3 * DAY, 0) {
    jump($jump);
    is(submit()->status, 202, "$jump s: accepted, with a new token");

    my $res = $world->ops("/readyz");
    is($res && $res->status, 200, "$jump s: ready");
}


# --- lists are in the order of acceptance -----------------------------------

jump(2 * DAY);
my $early = accepted_id(submit());
jump(0);
my $late = accepted_id(submit());

my $list = $world->get($client, "/v1/documents?limit=2")->json;
is_deeply([ map { $_->{id} } @{$list->{documents} || $list->{items}} ],
          [ $late, $early ], "newest first is last accepted first");


# --- what waits for a time --------------------------------------------------

$sim->stop;
jump(DAY);

my $id = accepted_id(submit());
ok(wait_for(10, sub {
    my $delivery = delivery($world, $client, $id);
    return $delivery->{state} eq "retrying" && $delivery->{attempts} >= 2;
}), "a delivery waits, by a clock a day ahead");

jump(0);
delete $client->{token};
$sim->start;

ok(wait_state($world, $client, $id, "accepted", 20),
   "the clock is put back: it does not wait a day");
like($world->log("error"), qr/the clock was put back|swept, mended: due=[1-9]/,
     "and that is told, by its lane or by the sweeper");

$sim->stop;
$id = accepted_id(submit());
ok(wait_state($world, $client, $id, "retrying"), "another one waits");
$sim->start;

# Not beyond the partner's certificate: nginx would keep a TLS session that
# found it expired (docs/failures.md).
jump(20 * DAY);
jump(0);
ok(wait_state($world, $client, $id, "accepted", 20),
   "a jump ahead and back delays nothing");


# --- deadlines --------------------------------------------------------------

# One passes by a clock that is ahead; by the right one it has not.

$client->close;
$world->reconfigure(partner => "retry=100ms,2s deadline=1h");
$sim->stop;
$id = accepted_id(submit());
ok(wait_state($world, $client, $id, "retrying"), "a third one waits");
jump(5 * HOUR);
$client->close;
delete $client->{token};
my $held = wait_state($world, $client, $id, "held", 20);
is($held && $held->{reason}, "deadline.passed",
   "a jump ahead holds it, for its deadline has passed");

# The sweeper looks each minute and when its worker begins.

$sim->start;
jump(0);
$client->close;
delete $client->{token};
$world->reload;
ok(wait_state($world, $client, $id, "accepted", 20),
   "the clock is put back: it goes on with the next sweep");
ok((grep { $_ eq "retrying deadline.ahead" }
    decisions($world, $client, $id)), "and the history says why");


# --- clients that wait ------------------------------------------------------

for my $jump (HOUR, -HOUR) {
    $sim->mode("slow", count => 1, delay_ms => 1000);

    my $doc = doc();
    my $waiting = $world->client("99001");
    $waiting->{token} = $world->token($waiting);

    my ($head, $body) = $waiting->request_bytes("POST", "/v1/documents",
        headers => [ "Authorization" => "Bearer $waiting->{token}",
                     "Content-Type" => $doc->type, "Prefer" => "wait=20" ],
        body => $doc->bytes);
    $waiting->write($head . $body);

    wait_for(10, sub {
        grep { $_->{sha256} eq $doc->sha256 } $sim->received
    });
    jump($jump);

    my $res = $waiting->read_response(timeout => limit(15));
    is($res && $res->status, 200, "$jump s: a client that waits is answered");
    jump(0);
}

$sim->mode("normal");


# --- a reload by a clock that was put back ----------------------------------

jump(DAY);
$client->close;
delete $client->{token};
$world->reconfigure(partner => "retry=100ms,2s location=/nowhere");
$id = accepted_id(submit());
ok(wait_state($world, $client, $id, "held"), "held by the configuration");

jump(0);
$client->close;
delete $client->{token};
$world->reconfigure(partner => "retry=100ms,2s");
ok(wait_state($world, $client, $id, "accepted", 20),
   "mended a day before it was broken: accepted");


# --- a suspension by a wrong clock ------------------------------------------

sub change {
    my ($what) = @_;

    my $res = $world->admin("GET", "/admin/v1/facilities/99001");

    $res = $world->admin("POST", "/admin/v1/facilities/99001/$what",
                         $what eq "suspend" ? { reason => "test" } : undef,
                         "If-Match" => $res->header("ETag"));

    return $res && $res->status;
}

jump(DAY);
is(change("suspend"), 200, "suspended by a clock a day ahead");
jump(0);
is(change("suspend"), 200, "and again when it is right");
is(change("resume"), 200, "resumed");
$client->close;
delete $client->{token};
is(submit()->status, 202, "and accepted");

$world->finish;
done_testing();
