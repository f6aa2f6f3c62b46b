#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A gateway under load is killed (-9) at each named point between a sender's
# request and a partner's answer that is stored: one worker, then master and
# workers at once.  What was acknowledged is lost nowhere, comes twice only
# where the partner allows it, and is settled in the end.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib", "$Bin/soak";
use EHR::Sim;
use EHR::Util qw(is_sanitized run slurp wait_for);
use EHR::World;
use Soak::Ledger;
use Soak::Sender;
use Soak::Verdict;

use constant {
    SENDERS    => 4,
    RATE       => is_sanitized() ? 4 : 15,     # of each
    POINT_SEC  => 30,
    SETTLE_SEC => 60,
    LOG_BYTES  => 72_000_000,    # more than makes the log be moved
};

plan skip_all => "no fault is preloaded under valgrind"
    if $ENV{EHR_VALGRIND};

my $world = EHR::World->new(
    workers  => 2,
    redis    => 0,
    fault    => 1,
    partner  => "retry=100ms,1s",
    standin  => "retry=100ms,1s query=50ms,500ms queries=1000 set.query=on",
);

$world->allow(qr/exited on signal 9/);
$world->start;
$world->enrol($_) for qw(99001 99002);

my $fault = $world->fault;
my $dir = $world->dir . "/ledger";

make_path($dir);


# --- the points -------------------------------------------------------------

# Each with its plan (t/fault/preload.h), DIE for how it dies.

my $us = ":" . $world->port("gateway");
my @points = (
    [ "a request is read", "recv $us 3 DIE-after" ],
    [ "before a transaction's first write", "write -wal 1 DIE-before" ],
    [ "in the middle of it", "write -wal 3 DIE-before" ],
    [ "written, before the fsync", "sync -wal 1 DIE-before" ],
    [ "after the fsync", "sync -wal 1 DIE-after" ],
    [ "before the answer",
      "recv $us 1 next", "sync -wal 1 next", "send $us 1 DIE-before" ],
    [ "after the answer",
      "recv $us 1 next", "sync -wal 1 next", "send $us 1 DIE-after" ],
);

for my $name (qw(insurance standin)) {
    my $sim = $name eq "standin" ? $world->standin : $world->sim;
    my $to = ":" . $sim->port;

    push @points,
        [ "$name: before a request", "send $to 1 DIE-before" ],
        [ "$name: after a request", "send $to 1 DIE-after" ],
        [ "$name: answered, nothing of it stored",
          "recv $to 1 next", "write -wal 1 DIE-before" ],
        [ "$name: answered, the decision not synced",
          "recv $to 1 next", "sync -wal 1 DIE-before" ],
        [ "$name: answered, the decision stored",
          "recv $to 1 next", "sync -wal 1 DIE-after" ];
}

# These want a long log; whoever is left of the workers moves it at once.

my @moves = (
    [ "before a checkpoint's first write", "write .sqlite 1 DIE-before" ],
    [ "in the middle of it", "write .sqlite 700 DIE-after" ],
    [ "before its fsync", "sync .sqlite 1 DIE-before" ],
    [ "after its fsync", "sync .sqlite 1 DIE-after" ],
    [ "before the log begins anew",
      "sync .sqlite 1 next", "write -wal 1 DIE-before" ],
);


# --- what reaches them ------------------------------------------------------

my @senders = map {
    Soak::Sender->new(world => $world, number => $_, rate => RATE,
                      facility => $_ % 2 ? "99001" : "99002",
                      ledger => "$dir/acknowledged.$_")->start
} 1 .. SENDERS;


# As much in the log as a busy hour leaves.

sub lengthen_log {
    run("sqlite3", "-cmd", ".timeout 10000", $world->journal,
        "PRAGMA wal_autocheckpoint = 0; CREATE TABLE long (x);"
        . " INSERT INTO long VALUES (zeroblob(" . LOG_BYTES . "));"
        . " DROP TABLE long");

    return;
}


# True once it has happened.

sub reach {
    my ($how, @plan) = @_;

    $fault->plan(join("\n", map { s/DIE/$how/r } @plan));

    my $is_hit = wait_for(POINT_SEC, sub { $fault->hits >= @plan });

    $fault->clear;

    return $is_hit;
}


# --- one worker -------------------------------------------------------------

sub deaths {
    return scalar(() = $world->log("error") =~ /exited on signal 9/g);
}

my $n = 0;

for my $point (@points, @moves[1, 4]) {
    my ($name, @plan) = @$point;

    lengthen_log() if $n >= @points;
    ok(reach("kill", @plan), "a worker dies: $name");
    $n++;
    wait_for(10, sub { deaths() >= $n && $world->workers == 2 });
}

is(deaths(), $n, "one for each point");


# --- all of them ------------------------------------------------------------

for my $point (@points, @moves) {
    my ($name, @plan) = @$point;

    lengthen_log() if $point == $moves[0];

    my @workers = $world->workers;

    ok(reach("crash", @plan), "everything dies: $name");
    $world->wait_dead(@workers);
    $world->restart;
}


# --- the verdict ------------------------------------------------------------

$_->stop for @senders;
is(scalar(grep { $_->wait != 0 } @senders), 0,
   "every sender was told what became of its documents");

my $open;

wait_for(SETTLE_SEC, sub {
    $open = run("sqlite3", "-readonly", "-cmd", ".timeout 5000",
                $world->journal,
                "SELECT count(*) FROM deliveries WHERE state IN ('pending',"
                . " 'sending', 'retrying', 'held', 'uncertain')");
    return $open == 0;
});

my ($acknowledged, $unknown) = Soak::Ledger::read(glob("$dir/*"));
my $journal = Soak::Ledger::journal($world->journal);

cmp_ok(scalar(@$acknowledged), ">", 2 * @points,
       scalar(@$acknowledged) . " documents were acknowledged");
cmp_ok(scalar(grep { $_->[1] eq "worker.lost" }
              map { @{$_->{attempts}} } values %$journal), ">", 0,
       "and attempts were lost on the way");

for my $name (qw(insurance standin)) {
    my $sim = $name eq "standin" ? $world->standin : $world->sim;
    my $is_its = $name eq "standin" ? qr{^notice/} : qr{^(?:claim|checkin)/};

    my $verdict = Soak::Verdict::judge(
        acknowledged => [ grep { $_->{key} =~ $is_its } @$acknowledged ],
        unknown      => [ grep { $_->{key} =~ $is_its } @$unknown ],
        arrived      => Soak::Ledger::kept($sim),
        journal      => $journal,
        repeat_safe  => $name eq "insurance");

    is(scalar(@{$verdict->{$_}}), 0, "$name: $_ 0")
        or diag(join("\n", @{$verdict->{$_}})) for Soak::Verdict::kinds();
}

$world->finish;
done_testing();
