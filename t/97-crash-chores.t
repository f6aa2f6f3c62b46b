#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The gateway is killed (-9, all of it) while it makes its journal, seals
# documents anew, removes what is past its retention, and gives room back: it
# starts again, takes the work up where it was, and no document is the worse.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id);
use EHR::Document;
use EHR::Util qw(run spew wait_for);
use EHR::World;

use constant {
    DOCUMENTS  => 150,
    TURNS      => 7,           # crashes while a journal is made
    SURE       => 0.6,         # of its calls: two workers' vary
    CHORE_SEC  => 20,
    LEASE_SEC  => 60,          # more than a dead keeper's lease stands
    DAY        => 86400,
    FREE_BYTES => 24_000_000,
};

plan skip_all => "no fault is preloaded under valgrind"
    if $ENV{EHR_VALGRIND};

my $world = EHR::World->new(workers => 2, redis => 0, fault => 1,
                            partner => "retry=50ms,200ms deadline=3000d");
$world->allow(qr/exited on signal 9/);
$world->start;

my $fault = $world->fault;
my $clock = 0;


sub sql {
    return run("sqlite3", "-cmd", ".timeout 5000", $world->journal, $_[0]);
}


# Starts with this plan, options of the world, and a clock by which no lease
# of before stands; gives whether it died as planned.

sub dies {
    my ($plan, %o) = @_;

    $clock += delete $o{clock} || LEASE_SEC;
    $world->stop;
    $world->{o} = { %{$world->{o}}, %o };
    $fault->clock($clock);
    $fault->plan($plan);

    my @workers = eval { $world->restart->workers };
    my $is_hit = wait_for(CHORE_SEC, sub { $fault->hits });

    $fault->clear;
    $world->wait_dead(@workers) if $is_hit;

    return $is_hit;
}


sub starts {
    $clock += LEASE_SEC;
    $fault->clock($clock);
    $world->restart;

    return;
}


sub is_whole { return sql("PRAGMA integrity_check") eq "ok\n" }


# --- the journal is made ----------------------------------------------------

# All calls of a first start, and then a death at some of them.

sub remove_journal {
    $world->stop;
    unlink glob($world->journal . "*");

    return;
}

remove_journal();
$fault->plan("any * 1000000 EIO");
$world->restart;

my $calls = $fault->calls;
cmp_ok($calls, ">", 4 * TURNS, "making a journal takes $calls calls");

my @wrong;

for my $turn (1 .. TURNS) {
    my $nth = 1 + int(($turn - 0.5) * SURE * $calls / TURNS);

    remove_journal();
    push @wrong, "$nth: not reached" unless dies("any * $nth crash-before");
    eval { starts(); 1 } or push @wrong, "$nth: does not start: $@";
    push @wrong, "$nth: not whole" unless is_whole();
}

ok(!@wrong, "whatever it dies at, it starts again") or diag(@wrong);


# --- documents --------------------------------------------------------------

$world->enrol("99001");

my $client = $world->client("99001");
my %bytes;

for (1 .. DOCUMENTS) {
    my $doc = EHR::Document->claim(facility => "99001", only => [ "XML1" ]);

    $bytes{accepted_id($world->submit($client, $doc))} = $doc->bytes;
}

ok(wait_for(30, sub {
    sql("SELECT count(*) FROM deliveries WHERE state <> 'accepted'") == 0
}), DOCUMENTS . " documents are delivered");


# How many are given out as they were received.

sub readable {
    $client->close;
    delete $client->{token};

    return scalar(grep {
        my $res = $world->get($client, "/v1/documents/$_/content");
        $res && $res->status == 200 && $res->body eq $bytes{$_}
    } sort keys %bytes);
}


# --- a new key --------------------------------------------------------------

my $key = $world->dir . "/new.key";

spew($key, "0f" x 31 . "a1\n", 0600);

my $old_key = sql("SELECT DISTINCT key FROM contents") + 0;
my %new_key = (store_keys => [ $key, $world->pki . "/store.key" ]);

sub left {
    return sql("SELECT count(*) FROM contents WHERE key = $old_key") + 0;
}

# The first transactions take the lease and tell who is there.

for my $plan ("write -wal 1 crash-before", "sync -wal 3 crash-before",
              "sync -wal 4 crash-after")
{
    ok(left(), "something is still sealed with the old key");
    ok(dies($plan, %new_key), "sealing anew: $plan");
    ok(is_whole(), "and the journal is whole");
}

note(left(), " are left");
starts();
ok(wait_for(CHORE_SEC, sub { left() == 0 }), "then all is sealed anew");
is(readable(), DOCUMENTS, "and opens");


# --- retention --------------------------------------------------------------

sub removed {
    return sql("SELECT count(*) FROM history"
               . " WHERE reason = 'retention.content'") + 0;
}

my %retention = (http => "ehr_retention claim content=1h;");

is(removed(), 0, "nothing is removed");
ok(dies("sync -wal 3 crash-before", clock => DAY, %retention),
   "in its removal");
ok(is_whole(), "the journal is whole");
ok(dies("sync -wal 3 crash-after"), "and after some of it");
ok(is_whole(), "the journal is whole");

my $halves = sql("SELECT count(*) FROM submissions s WHERE"
    . " (SELECT count(*) FROM contents c WHERE c.seq = s.seq)"
    . " + (SELECT count(*) FROM history h WHERE h.seq = s.seq"
    . " AND h.reason = 'retention.content') <> 1");
note(removed(), " are removed");
is($halves + 0, 0, "each has its bytes, or the line that they are removed");

starts();
ok(wait_for(CHORE_SEC, sub { removed() == DOCUMENTS }), "then all are");
is(readable(), 0, "none is given out any more");
is(sql("SELECT count(*) FROM submissions") + 0, DOCUMENTS,
   "the records stay");


# --- room -------------------------------------------------------------------

# The file follows with the next checkpoint that no reader stands in the way
# of.

sub size { return 4096 * sql("PRAGMA page_count") }

$world->stop;
sql("CREATE TABLE much (x); INSERT INTO much VALUES (zeroblob("
    . FREE_BYTES . ")); DROP TABLE much");
my $size = size();

for my $plan ("truncate .sqlite 1 crash-before",
              "truncate .sqlite 1 crash-after", "sync .sqlite 1 crash-before")
{
    ok(dies($plan), "giving room back: $plan");
    ok(is_whole(), "and the journal is whole");
}

starts();
ok(wait_for(CHORE_SEC, sub { size() < $size - FREE_BYTES / 2 }),
   "then the room is given back");

$client->close;
delete $client->{token};
is(accepted_id($world->submit($client, EHR::Document->claim(
       facility => "99001"), "Prefer" => "wait=10")) ? 1 : 0, 1,
   "and it goes on");

$world->finish;
done_testing();
