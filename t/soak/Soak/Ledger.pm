# SPDX-License-Identifier: BSD-2-Clause

package Soak::Ledger;

# The accounts of a soak on disk, one line an event, written before the next
# event can happen.
#
#   my $ledger = Soak::Ledger->new($path);        # appends
#   $ledger->acknowledged($id, $key, $sha256);    # a hospital was told
#   $ledger->unknown($key, $sha256);              # sent, gave up asking
#   $ledger->arrived($number, $sha256, $outcome); # the partner has it:
#                                                 # n-th document
#   my ($acknowledged, $unknown, $arrived) = Soak::Ledger::read(@paths);
#
#   my $journal = Soak::Ledger::journal($path);   # as Soak::Verdict takes it
#   my $arrived = Soak::Ledger::kept($sim);       # the same, of a simulator
#                                                 # that still has its files

use strict;
use warnings;

use EHR::Util qw(run);


sub new {
    my ($class, $path) = @_;

    open(my $file, ">>", $path) or die "cannot write $path: $!";

    return bless { file => $file }, $class;
}


sub _line {
    my ($self, @words) = @_;

    my $line = join(" ", @words) . "\n";

    syswrite($self->{file}, $line) == length($line) or die "ledger: $!";

    return;
}


sub acknowledged {
    my ($self, $id, $key, $sha256) = @_;

    return $self->_line("A", $id, $key, $sha256);
}


sub unknown {
    my ($self, $key, $sha256) = @_;

    return $self->_line("U", "-", $key, $sha256);
}


sub arrived {
    my ($self, $number, $sha256, $outcome) = @_;

    return $self->_line("R", $outcome, $number, $sha256);
}


sub read {
    my (@paths) = @_;

    my (@acknowledged, @unknown, @arrived);

    for my $path (@paths) {
        open(my $file, "<", $path) or die "cannot read $path: $!";

        while (my $line = <$file>) {
            my ($what, $word, $key, $sha256) = split(" ", $line);

            if ($what eq "A") {
                push @acknowledged,
                    { id => $word, key => $key, sha256 => $sha256 };

            } elsif ($what eq "U") {
                push @unknown, { key => $key, sha256 => $sha256 };

            } else {
                push @arrived, { outcome => $word, sha256 => $sha256,
                                 number => $key };
            }
        }
    }

    @arrived = sort { $a->{number} <=> $b->{number} } @arrived;

    return (\@acknowledged, \@unknown, \@arrived);
}


# In the order in which they came.

sub kept {
    my ($sim) = @_;

    my %number = map { $_->{file} => $_->{file} =~ m{/0*(\d+)-[^/]+$} }
        my @kept = ($sim->received, $sim->refused);

    return [ map {
        { sha256  => $_->{sha256},
          outcome => $_->{outcome} eq "accepted" ? "200" : $_->{outcome} }
    } sort { $number{$a->{file}} <=> $number{$b->{file}} } @kept ];
}


sub journal {
    my ($path) = @_;

    my %journal;

    for my $line (split(/\n/, run("sqlite3", "-readonly", "-separator", " ",
        $path, "SELECT s.id, lower(hex(s.sha256)), d.state,"
               . " iif(d.reason = '', '-', d.reason)"
               . " FROM submissions s JOIN deliveries d ON d.seq = s.seq")))
    {
        my ($id, $sha256, $state, $reason) = split(/ /, $line);

        $journal{$id} = { sha256 => $sha256, state => $state,
                          reason => $reason, attempts => [] };
    }

    for my $line (split(/\n/, run("sqlite3", "-readonly", "-separator", " ",
        $path, "SELECT s.id, a.state, a.reason FROM attempts a"
               . " JOIN deliveries d ON d.id = a.delivery"
               . " JOIN submissions s ON s.seq = d.seq"
               . " WHERE a.reason <> ''")))
    {
        my ($id, $state, $reason) = split(/ /, $line);

        push @{$journal{$id}{attempts}}, [ $state, $reason ];
    }

    return \%journal;
}


1;
