# SPDX-License-Identifier: BSD-2-Clause

package Soak::Sender;

# A hospital in a process of its own: sends documents at a steady pace, one
# after the other, repeats the same bytes until they are acknowledged, corrects
# some of what it sent before, and writes each acknowledgement into its ledger
# before it goes on.
#
#   my $sender = Soak::Sender->new(world => $world, facility => "99001",
#       ledger => $path, rate => 10, corrections => 0.3, number => 1);
#   $sender->start;         # forks
#   $sender->stop;          # asks it to end; it finishes its document first
#   $sender->wait;          # exit status

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);

use EHR::Document;
use Soak::Ledger;

use constant {
    RECENT      => 30,      # documents that may be corrected
    AGAIN_SEC   => 0.1,
    PATIENCE    => 600,     # seconds for one document
    ANSWER_SEC  => 20,
    CLAIMS      => 0.1,     # of the documents
    NOTICES     => 0.15,
    NUMBERS     => 10_000,  # of notices, of one sender
    TOKEN_SEC   => 300,
};


sub new {
    my ($class, %o) = @_;

    return bless { corrections => 0.3, recent => [], %o }, $class;
}


sub pid { return $_[0]{pid} }


sub start {
    my ($self) = @_;

    $self->{pid} = fork();
    die "cannot fork: $!" unless defined $self->{pid};
    return $self if $self->{pid};

    srand($self->{number});
    $SIG{TERM} = sub { $self->{is_over} = 1 };
    $SIG{INT} = "IGNORE";
    setpgrp(0, 0);

    eval { $self->_send_all; 1 } or do {
        warn "sender $self->{number}: $@";
        $self->{book}->unknown(@{$self->{current}}) if $self->{current};
        POSIX::_exit(1);
    };

    POSIX::_exit(0);
}


sub stop { kill("TERM", $_[0]{pid}); return }


sub wait {
    my ($self) = @_;

    waitpid(delete $self->{pid}, 0);

    return $?;
}


# A test that dies leaves none behind.

sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);

    if ($self->{pid}) {
        kill("KILL", $self->{pid});
        waitpid($self->{pid}, 0);
    }

    return;
}


sub _send_all {
    my ($self) = @_;

    my $due = time();

    $self->{client} = $self->{world}->client($self->{facility},
                                             timeout => ANSWER_SEC);
    $self->{book} = Soak::Ledger->new($self->{ledger});

    while (!$self->{is_over}) {
        $due += 1 / $self->{rate};
        sleep($due - time()) if $due > time();

        # What an outage held up is not made good by a flood.
        $due = time() if $due < time() - 1;

        $self->_send($self->_next);
    }

    return;
}


# A new document, or other content under the key of one sent before.

sub _next {
    my ($self) = @_;

    my $recent = $self->{recent};

    if (@$recent && rand() < $self->{corrections}) {
        my ($kind, $key) = @{$recent->[rand(@$recent)]};
        return $self->_make($kind, $key);
    }

    my $draw = rand();
    my $kind = $draw < CLAIMS ? "claim"
             : $draw < CLAIMS + NOTICES ? "notice" : "checkin";
    my $key = $kind eq "notice" ? $self->_number : undef;
    my $doc = $self->_make($kind, $key);

    push @$recent, [ $kind, defined $key ? $key : $doc->key ];
    shift @$recent if @$recent > RECENT;

    return $doc;
}


# Of a notice: five digits, no other sender's.

sub _number {
    my ($self) = @_;

    return $self->{number} * NUMBERS + $self->{notices}++ % NUMBERS;
}


sub _make {
    my ($self, $kind, $key) = @_;

    my $doc = EHR::Document->$kind(facility => $self->{facility},
        only => [ "XML1" ], (defined $key ? (key => $key) : ()));

    $doc->{soak_kind} = $kind;

    return $doc;
}


sub _send {
    my ($self, $doc) = @_;

    my $until = time() + PATIENCE;
    my $name = join("/", $doc->{soak_kind}, $self->{facility}, $doc->key);

    $self->{current} = [ $name, $doc->sha256 ];

    while (time() < $until) {
        my $res = eval { $self->_submit($doc) };

        if ($res && $res->status =~ /^20[02]$/) {
            $self->{book}->acknowledged($res->json->{id}, $name,
                                        $doc->sha256);
            return;
        }

        # Only "later" is an answer that may come again.
        die "answer " . $res->status . ": " . $res->body
            if $res && $res->status !~ /^(401|429|503)$/;

        $self->{client}{token} = undef if $res && $res->status == 401;
        $self->{client}->close unless $res;
        sleep(AGAIN_SEC);
    }

    $self->{book}->unknown($name, $doc->sha256);

    return;
}


sub _submit {
    my ($self, $doc) = @_;

    my $client = $self->{client};

    # Before it runs out; and a kept connection ends after ten minutes.
    if (!$client->{token} || time() - $client->{token_at} > TOKEN_SEC) {
        $client->{token} = undef;
        $client->{token} = $self->{world}->token($client);
        $client->{token_at} = time();
    }

    return $self->{world}->submit($client, $doc, rand() < 0.02
                                  ? ("Prefer" => "wait=2") : ());
}


1;
