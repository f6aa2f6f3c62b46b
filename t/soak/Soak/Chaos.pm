# SPDX-License-Identifier: BSD-2-Clause

package Soak::Chaos;

# Everything that goes wrong during a soak, each in its turn: workers and the
# master killed, every bad day the partner's simulator knows, Redis dead or
# stopped, the disk full or broken, reloads, binary upgrades, a wall clock that
# jumps.  Decides what happens when; what
# it did is counted.
#
#   my $chaos = Soak::Chaos->new(world => $world);
#   $chaos->turn;         # does what is due; to be called often
#   $chaos->calm;         # everything works again
#   $chaos->counts        # { what => number }
#   $chaos->now           # what is wrong at the moment, for people

use strict;
use warnings;

use Time::HiRes qw(sleep time);

# What happens how often, in seconds, and how long it lasts.

my %plan = (
    kill    => { every => 2 },
    partner => { every => 3.5, lasts => 2 },
    standin => { every => 4.3, lasts => 2 },
    reload  => { every => 17 },
    redis   => { every => 23, lasts => 1.5 },
    disk    => { every => 29, lasts => 1.5 },
    clock   => { every => 19, lasts => 2 },
    upgrade => { every => 37 },
    crash   => { every => 61 },
);

# The partner's days.  Those of log-ins come with a session that is over, or
# nobody would log in.  "until a reload": accounts are blocked by it.

my @partner = (
    [ "down" ],
    [ "slow", delay_ms => 400 ],
    [ "drip", delay_ms => 5 ],
    map({ [ $_ ] } qw(chunked huge half-answer accept-then-reset
        maketqua-number)),
    [ "accepted-with-message", count => 5 ],
    map({ [ $_ ] } qw(html empty http-500 http-503)),
    [ "hang", count => 8 ],
    map({ [ $_ ] } qw(close-early reset code-500 code-124)),
    map({ [ "code-$_" ] } qw(101 408)),
    map({ [ "code-$_", count => 3 ] } qw(123 125 201 202 204 205 10)),
    map({ [ $_, count => 3 ] } qw(expired-401-empty expired-maketqua-401
        expired-403 expired-501 expired-text)),
    map({ [ "login-$_" ] } qw(slow html empty http-500 http-503 hang
        close-early reset code-500 expires-seconds expires-epoch)),
    map({ [ "login-$_", count => 1, reload => 1 ] } qw(refused no-key)),
);

# Those of the partner that must not get anything twice.

my @standin = (
    [ "down" ],
    map({ [ $_ ] } qw(lost lost-500 lost-html lost-close close-early reset
        http-500 http-503 html empty later)),
    [ "slow", delay_ms => 400 ],
    map({ [ $_, count => 8 ] } qw(lost-hang hang)),
    [ "refuse-77", count => 3 ],
    map({ [ "query-$_", lost => 1 ] } qw(http-500 html empty close-early
        reset processing)),
);

# The N-th call on the journal's files, as t/fault/preload.h has it.

my @disk = (
    "write * 1+ ENOSPC", "sync * 1+ EIO", "write -wal 1+ EIO",
    "open * 1+ EMFILE", "write -wal 3 short", "sync -wal 5 kill-before",
    "sync -wal 5 kill-after", "write -wal 7 kill-after",
);

my @redis = qw(kill stop);

# Seconds.  A day is more than a token, a session or a lease lasts, and less
# than a deadline.

my @clock = (90, -90, 3600, -3600, 86400);


sub new {
    my ($class, %o) = @_;

    my $now = time();

    return bless {
        %o,
        due    => { map { $_ => $now + $plan{$_}{every} } keys %plan },
        ends   => {},
        turns  => { map { $_ => 0 } keys %plan },
        counts => {},
        wrong  => {},
    }, $class;
}


sub counts { return $_[0]{counts} }


sub now {
    my ($self) = @_;

    return join(", ", map { "$_: $self->{wrong}{$_}" }
                      sort keys %{$self->{wrong}}) || "calm";
}


sub turn {
    my ($self) = @_;

    for my $what (sort keys %plan) {
        my $ends = $self->{ends}{$what};

        if (defined $ends && time() >= $ends) {
            $self->_end($what);
        }

        next if time() < $self->{due}{$what};

        # What could not be done in time is not made up for.
        $self->{due}{$what} = time() + $plan{$what}{every};
        $self->_begin($what);
    }

    return;
}


sub _begin {
    my ($self, $what) = @_;

    my $method = "_begin_$what";
    my $done = $self->$method($self->{turns}{$what}++) or return;

    $self->{counts}{$what}++;
    $self->{counts}{"$what: $done"}++ if $done ne $what;

    if ($plan{$what}{lasts}) {
        $self->{wrong}{$what} = $done;
        $self->{ends}{$what} = time() + $plan{$what}{lasts};
    }

    return;
}


sub _end {
    my ($self, $what) = @_;

    delete $self->{ends}{$what};

    my $done = delete $self->{wrong}{$what};
    my $method = "_end_$what";

    return defined $done ? $self->$method($done) : undef;
}


sub calm {
    my ($self) = @_;

    $self->_end($_) for sort keys %{$self->{ends}};

    return;
}


# --- processes --------------------------------------------------------------

sub _begin_kill {
    my ($self) = @_;

    # There is none for a moment after all of them were killed.
    return eval { $self->{world}->kill_worker } ? "kill" : undef;
}


sub _begin_crash {
    my ($self) = @_;

    # What kills itself at a fault would kill the next one too.
    $self->_end("disk") if $self->{wrong}{disk};
    $self->{world}->crash;

    return "crash";
}


sub _begin_reload {
    my ($self) = @_;

    $self->{world}->reload(wait => 0);

    return "reload";
}


# A new master that cannot open the journal is no upgrade, and another test.

sub _begin_upgrade {
    my ($self) = @_;

    $self->_end("disk") if $self->{wrong}{disk};
    $self->{world}->upgrade;

    return "upgrade";
}


# --- the partner ------------------------------------------------------------

sub _begin_partner {
    my ($self, $turn) = @_;

    my ($mode, %o) = @{$partner[$turn % @partner]};
    my $sim = $self->{world}->sim;

    if ($mode eq "down") {
        $sim->stop;
        return $mode;
    }

    $self->{wants_reload} = delete $o{reload};
    $sim->mode("expired-401-empty", count => 2) if $mode =~ /^login-/;
    $sim->mode($mode, %o);

    return $mode;
}


sub _end_partner {
    my ($self, $mode) = @_;

    my $sim = $self->{world}->sim;

    $sim->start if $mode eq "down";
    $sim->mode("normal");

    if (delete $self->{wants_reload}) {
        $self->{counts}{reload}++;
        $self->{world}->reload(wait => 0);
    }

    return;
}


sub _begin_standin {
    my ($self, $turn) = @_;

    my ($mode, %o) = @{$standin[$turn % @standin]};
    my $sim = $self->{world}->standin;

    if ($mode eq "down") {
        $sim->stop;
        return $mode;
    }

    $sim->mode("lost") if delete $o{lost};
    $sim->mode($mode, %o);

    return $mode;
}


sub _end_standin {
    my ($self, $mode) = @_;

    my $sim = $self->{world}->standin;

    $sim->start if $mode eq "down";
    $sim->mode("normal");

    return;
}


# --- what the gateway stands on ---------------------------------------------

sub _begin_redis {
    my ($self, $turn) = @_;

    my $how = $redis[$turn % @redis];

    $how eq "kill" ? $self->{world}->redis_kill : $self->{world}->redis_stop;

    return $how;
}


sub _end_redis {
    my ($self, $how) = @_;

    $how eq "kill" ? $self->{world}->redis_start : $self->{world}->redis_cont;

    return;
}


sub _begin_clock {
    my ($self, $turn) = @_;

    my $sec = $clock[$turn % @clock];

    $self->{world}->fault->clock($sec);

    return sprintf("%+d s", $sec);
}


sub _end_clock {
    my ($self) = @_;

    $self->{world}->fault->clock(0);

    return;
}


sub _begin_disk {
    my ($self, $turn) = @_;

    my $fault = $disk[$turn % @disk];

    $self->{world}->fault->plan($fault);

    return $fault;
}


sub _end_disk {
    my ($self) = @_;

    $self->{world}->fault->clear;

    return;
}


1;
