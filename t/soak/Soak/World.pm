# SPDX-License-Identifier: BSD-2-Clause

package Soak::World;

# A world that can be treated worse: its master dies with all workers, its
# journal's disk is full or broken for a while (t/fault).
#
#   $world->crash         kill -9 of everything of nginx, and a new start
#   $world->upgrade       a binary upgrade; the old workers leave in their time
#   $world->fault         EHR::Fault of the journal's folder
#   $world->settle        waits for a moment in which all workers stand

use strict;
use warnings;

use parent -norequire, "EHR::World";

use EHR::Fault;
use EHR::Util qw(slurp wait_for);
use EHR::World;

use constant GONE_SEC => 20;


sub start {
    my ($self) = @_;

    my $dir = $self->dir;

    $self->{fault} = EHR::Fault->new(dir => "$dir/journal",
                                     plan => "$dir/fault.plan");

    return $self->SUPER::start;
}


sub fault { return $_[0]{fault} }


sub _start_nginx {
    my ($self) = @_;

    return $self->{fault}->run_with(sub { $self->SUPER::_start_nginx });
}


sub crash {
    my ($self) = @_;

    my @workers = $self->_children;

    $self->{killed}{$_} = 1 for $self->master, @workers;
    kill("KILL", $self->master, @workers);
    $self->wait_dead(@workers);

    $self->_start_nginx or die "nginx does not come up after a crash:\n"
                               . $self->log("error");

    return;
}


# The old master leaves when its workers have; sooner where one is killed.

sub upgrade {
    my ($self) = @_;

    my $old = $self->master;

    kill("USR2", $old);

    my $new = wait_for(GONE_SEC, sub {
        my ($pid) = slurp($self->dir . "/nginx.pid") =~ /(\d+)/;
        return $pid && $pid != $old && $self->has_workers($pid) ? $pid
                                                                : undef;
    }) or die "no new master:\n" . $self->log("error");

    kill("WINCH", $old);
    kill("QUIT", $old);
    $self->adopt($new);

    return;
}


sub settle {
    my ($self) = @_;

    return wait_for(GONE_SEC, sub {
        my @workers = $self->workers;
        return @workers == $self->{o}{workers};
    });
}


1;
