#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The binary is upgraded (USR2, WINCH, QUIT), an upgrade is called off (HUP to
# the old master, QUIT to the new one), and a partner is reloaded in a loop,
# all under load: no request fails, nothing is lost, nothing arrives twice.  A
# request that crosses the end of a kept connection was not taken.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Load;
use EHR::Util qw(is_sanitized slurp wait_for);
use EHR::World;

use constant {
    REQUESTS    => is_sanitized() ? 60 : 600,
    RATE        => is_sanitized() ? 10 : 75,
    DELIVER_SEC => 60,
};

plan skip_all => "one program for each process" if $ENV{EHR_VALGRIND};

my $world = EHR::World->new(redis => 0, daemon => 1,
    partner => "retry=50ms,200ms",
    main => "env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;\n");

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
$sim->mode("slow", delay_ms => 20);


sub pid_in {
    my ($file) = @_;

    return (slurp($world->dir . "/$file") =~ /(\d+)/)[0];
}

sub workers_of {
    my ($master) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ /worker process/ }
           split(/ /, slurp("/proc/$master/task/$master/children"));
}

sub taken {
    return $world->metric('ehr_documents_total{result="accepted"}') || 0;
}

# A few documents more go in, by whoever takes them.

sub let_some_pass {
    my $until = time() + 1;

    return wait_for(5, sub { time() > $until });
}


my ($once, $kept) = map {
    EHR::Load->new($world, claim => { only => [ "XML1" ] },
        options => [ @$_, "--connections", 5, "--requests", REQUESTS / 2,
                     "--rate", RATE / 2 ])->start
} [ "--once" ], [ "--retry", 3 ];
let_some_pass();

# --- called off -------------------------------------------------------------

my $old = $world->master;

sub begin_upgrade {
    kill("USR2", $old);

    my $new = wait_for(15, sub {
        my $pid = pid_in("nginx.pid");
        return $pid && $pid != $old && workers_of($pid) ? $pid : undef;
    });

    ok($new, "a new master stands beside the old one");

    return $new;
}

my $new = begin_upgrade() or BAIL_OUT("no upgrade");
kill("WINCH", $old);
ok(wait_for(15, sub { !workers_of($old) }), "the old workers leave");
let_some_pass();

kill("HUP", $old);
ok(wait_for(15, sub { workers_of($old) }), "called off: old workers again");
kill("QUIT", $new);
ok(wait_for(15, sub { !kill(0, $new) }), "the new master has left");
let_some_pass();


# --- and done ---------------------------------------------------------------

$new = begin_upgrade() or BAIL_OUT("no upgrade");
kill("WINCH", $old);
ok(wait_for(15, sub { !workers_of($old) }), "the old workers leave");
let_some_pass();
kill("QUIT", $old);
ok(wait_for(15, sub { !$world->_is_running("master") }),
   "the old master has left");
$world->adopt($new);
let_some_pass();

my ($result, $repeated) = map { $_->wait } $once, $kept;

is($once->status, 0, "no request failed");
is($result->{by_status}{202}, REQUESTS / 2,
   "each was accepted, at the first go");
is($kept->status, 0, "nor one on a connection that is kept alive");
is($repeated->{by_status}{202}, REQUESTS / 2, "each was accepted");
is($repeated->{duplicates}, 0,
   "and what was sent again ($repeated->{retries}) had not been taken");

wait_for(DELIVER_SEC, sub {
    return $sim->stats->{distinct_sha256} >= REQUESTS;
});

my $stats = $sim->stats;
is($stats->{distinct_sha256}, REQUESTS, "every document arrives");
is($stats->{duplicates}, 0, "none twice");

$world->finish;
done_testing();
