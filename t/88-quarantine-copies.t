#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Many copies at once of a document that crashes its check: after the first
# crash one at a time is looked at, the others are told to come again.  So two
# workers die, or as many as were at it when it crashed first; no more.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(clients);
use EHR::Document;
use EHR::Util qw(build insist spew wait_for);
use EHR::World;

use constant {
    WORKERS => 3,
    COPIES  => 12,
    LARGE   => 20_000,          # bytes: is checked in a thread
};

my $world = EHR::World->new(
    sim     => 0,
    crashes => 1,
    workers => WORKERS,
    standin => "retry=20ms,100ms",
);
my $gate = $world->dir . "/gate";

$world->{o}{validators} = [ "birth_notice plugin=" . build()
                            . "/t/plugins/standin.so set.crash=validate"
                            . " set.gate=$gate" ];
$world->allow(qr/exited on signal (6|11)/, qr/quarantined: a document/);
$world->start;
$world->enrol("99001");


sub crashing {
    return EHR::Document->notice(
        facility => "99001",
        note => "CRASH GATE -->" . "\n" x LARGE . "<!-- ",
    );
}

# Each on a connection of its own, and no answer is read.

sub written {
    my ($doc, @clients) = @_;

    for my $client (@clients) {
        my ($head, $body) = $client->request_bytes("POST", "/v1/documents",
            headers => [ "Authorization" => "Bearer $client->{token}",
                         "Content-Type" => $doc->type ],
            body => $doc->bytes);

        $client->write($head . $body);
    }

    return;
}

sub dead {
    my $n = () = $world->log("error") =~ /exited on signal (?:6|11)/g;

    return $n;
}

# How many are inside: each has left a byte.

sub inside {
    return -s $gate;
}

sub is_quarantined {
    my ($doc) = @_;

    my $res = insist(sub { $world->submit($world->client("99001"), $doc) });

    return 0 unless $res && $res->code eq "document.quarantined";

    return $res->header("Retry-After") == 3600;
}


# --- after the first crash ---------------------------------------------------

my $doc = crashing();
my $client = $world->client("99001");

ok(!eval { $world->submit($client, $doc) }, "the first copy: no answer");
ok(wait_for(10, sub { dead() == 1 }), "it crashed its worker");

spew($gate, "");

my ($first) = clients($world, "99001", 1);

written($doc, $first);
ok(wait_for(10, sub { inside() == 1 }), "the second copy is looked at");

my @others = clients($world, "99001", COPIES);

written($doc, @others);

my @answers = map { $_->read_response(timeout => 30) } @others;

is((grep { $_->status == 503 && $_->code eq "document.quarantined" } @answers),
   COPIES, "meanwhile no other copy is");
is((grep { $_->header("Retry-After") < 60 } @answers), COPIES,
   "they may come again soon");
like($answers[0]->json->{detail}, qr/\x{111}ang \x{111}\x{1b0}\x{1ee3}c ki/,
     "in words");
is(inside(), 1, "none came near");
is($world->submit($others[0], EHR::Document->notice(facility => "99001"))
         ->status, 202, "other documents are accepted");

unlink $gate or die $!;
ok(wait_for(10, sub { dead() == 2 }), "the second copy crashes as well");
$_->close for $first, @others;

ok(is_quarantined($doc), "that was its last chance");
is(dead(), 2, "two workers died of it");


# --- all at once -------------------------------------------------------------

# Nobody knows anything of these bytes before the first crash: whoever is
# inside may crash with it.

my $before = dead();

$doc = crashing();
spew($gate, "");
@others = clients($world, "99001", COPIES);
written($doc, @others);
ok(wait_for(10, sub { inside() >= 2 }), "several are inside at once");

unlink $gate or die $!;
ok(wait_for(10, sub { dead() > $before }), "they crash");
$_->close for @others;

ok(wait_for(20, sub { is_quarantined($doc) }), "then nobody looks any more");
cmp_ok(dead() - $before, "<=", WORKERS,
       "no more workers died than were there when it crashed first");

$world->finish;
done_testing();
