#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The gateway on a disk that is full, fails, hangs or may not be written: 202
# is stored and 503 is not, whichever call fails; /readyz says it; what is
# stored can be read meanwhile; and it recovers by itself.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id);
use EHR::Document;
use EHR::Util qw(is_sanitized limit run wait_for);
use EHR::World;

use constant EACH => is_sanitized() ? 6 : 14;

my $world = EHR::World->new(workers => 1, redis => 0, fault => 1,
                            partner => "retry=20ms,200ms");
$world->start;
$world->enrol("99001");

my $fault = $world->fault;
my $client = $world->client("99001");
my (@stored, @refused);


# One document; what it was told goes to the ledger.

sub submit {
    my $doc = EHR::Document->checkin(facility => "99001");
    my $res = $world->submit($client, $doc);
    my $status = $res ? $res->status : 0;

    push @stored, { id => accepted_id($res), doc => $doc }
        if $status == 202;
    push @refused, $doc if $status == 503;

    return $status;
}


sub store_is_ok {
    my $res = $world->ops("/readyz");

    return $res && $res->json->{checks}{store}{ok} ? 1 : 0;
}


sub is_well_again {
    my ($what) = @_;

    $fault->clear;
    ok(wait_for(10, sub { submit() == 202 }), "$what: it recovers by itself");
    ok(wait_for(10, \&store_is_ok), "$what: and says so");

    return;
}


is(submit(), 202, "a well disk: accepted");
ok(store_is_ok(), "and ready");
my $first = $stored[0]{id};


# --- for good, until the disk is well ---------------------------------------

for my $plan ("write * 1+ ENOSPC", "write * 1+ EROFS", "sync -wal 1+ EIO",
              "any * 1+ EIO")
{
    $fault->plan($plan);

    is(submit(), 503, "$plan: refused");
    is(submit(), 503, "$plan: and again");
    ok(wait_for(10, sub { !store_is_ok() }), "$plan: /readyz says it");

    if ($plan =~ /^(write|sync)/) {
        is($world->get($client, "/v1/documents/$first")->status, 200,
           "$plan: what is stored can be read");
    }

    is_well_again($plan);
}


# --- once, at each call in turn ---------------------------------------------

for my $plan ("any * N EIO", "write -wal N ENOSPC", "sync -wal N EIO") {
    my %seen;

    for my $nth (1 .. EACH) {
        $fault->plan($plan =~ s/N/$nth/r);
        $seen{ submit() }++ for 1 .. 2;
    }

    $fault->clear;
    note("$plan: ", join(" ", map { "$_=$seen{$_}" } sort keys %seen));
    ok(!(grep { !/^(202|503)$/ } keys %seen), "$plan: 202 or 503")
        or diag(explain(\%seen));
    is_well_again($plan);
}


# --- an fsync that does not come back ---------------------------------------

$fault->plan("sync -wal 1 hang");

my $doc = EHR::Document->checkin(facility => "99001");
my $waiting = $world->client("99001");
$waiting->{token} = $world->token($waiting);
my ($head, $body) = $waiting->request_bytes("POST", "/v1/documents",
    headers => [ "Authorization" => "Bearer $waiting->{token}",
                 "Content-Type" => $doc->type ], body => $doc->bytes);
$waiting->write($head . $body);

ok(wait_for(10, sub { $fault->hits }), "an fsync hangs");
is($world->get($client, "/v1/documents/$first")->status, 200,
   "what is stored can be read");

$fault->clear;
my $res = $waiting->read_response(timeout => limit(10));
is($res && $res->status, 202, "it comes back: accepted, late");
push @stored, { id => accepted_id($res), doc => $doc } if $res;


# --- the ledger, before and after a crash -----------------------------------

sub ledger_is_so {
    my ($when) = @_;

    my @wrong;

    for my $known (@stored) {
        my $got = $world->get($client, "/v1/documents/$known->{id}/content");

        push @wrong, "lost: $known->{id}"
            unless $got && $got->status == 200
                   && $got->body eq $known->{doc}->bytes;
    }

    for my $unknown (@refused) {
        my $n = run("sqlite3", "-readonly", $world->journal,
            "SELECT count(*) FROM submissions WHERE hex(sha256) = '"
            . uc($unknown->sha256) . "'");

        push @wrong, "stored: " . $unknown->sha256 if $n != 0;
    }

    ok(!@wrong, "$when: " . @stored . " times 202 is stored, " . @refused
       . " times 503 is not") or diag(join("\n", @wrong));

    return;
}

ledger_is_so("then");

# A document whose every fsync failed, and then everything is killed.

$fault->plan("sync -wal 1+ EIO");
is(submit(), 503, "refused because of fsync");
$world->kill_all;
$fault->clear;
$world->restart;
$client->close;
ledger_is_so("after SIGKILL");

# The same bytes are new to the journal.

$res = $world->submit($client, $refused[-1]);
is($res && $res->status, 202, "what was refused is accepted, not a duplicate");

ok(wait_for(20, sub {
    my $open = run("sqlite3", "-readonly", $world->journal, "SELECT count(*)"
        . " FROM deliveries WHERE state <> 'accepted'");
    return $open == 0;
}), "and everything is delivered");

is($world->sim->stats->{distinct_sha256}, @stored + 1,
   "each stored document came to the partner, and nothing else");

$world->finish;
done_testing();
