# SPDX-License-Identifier: BSD-2-Clause

package Soak::Verdict;

# What a soak has shown, from three accounts of it: what the hospitals were
# told, what reached the partner, what the journal says.  Decides what is
# lost, repeated, stuck or out of order; reads no file and asks nobody.
#
#   my $verdict = Soak::Verdict::judge(
#       acknowledged => [ { id, key, sha256 }, ... ],  # of one key in order
#       unknown      => [ { key, sha256 }, ... ],      # sent, never answered
#       arrived      => [ { sha256, outcome }, ... ],  # in order; outcome 200:
#                                                      # the partner kept it
#       journal      => { id => { state, reason,
#                                 attempts => [ [ state, reason ], ... ] } },
#       repeat_safe  => 1,                 # 0: nothing may come twice
#   );
#
# gives { lost, repeated, stuck, order, alien, wrong }, each a list of
# sentences; clean($verdict) is true when all are empty.
#
#   lost      acknowledged, not at the partner, not superseded by newer
#             content, not refused by the partner
#   repeated  kept by the partner more often than one more than the attempts
#             whose answer could not be read
#   stuck     neither settled nor superseded when all faults are over
#   order     of one key, an older content after a newer one; or the last
#             one that came is not the newest that had to come
#   alien     at the partner, and never sent by anybody
#   wrong     the journal does not know an id or gives it to other bytes; one
#             id for two documents; "accepted" that never came

use strict;
use warnings;

use constant KEPT => "200";

my @kinds = qw(lost repeated stuck order alien wrong);

# Ends of an attempt after which nobody knows whether the partner has it.

my %unread = map { $_ => 1 } qw(worker.lost partner.no-answer
    partner.unreadable courier.no-connection);

my %settled = map { $_ => 1 } qw(accepted accepted_with_message refused
    superseded);


sub kinds { return @kinds }


sub clean {
    my ($verdict) = @_;

    return !grep { @{$verdict->{$_}} } @kinds;
}


sub judge {
    my (%o) = @_;

    my $self = bless { %o, found => { map { $_ => [] } @kinds } };

    $self->_index;
    $self->_check($_) for @{$self->{documents}};
    $self->_check_aliens;
    $self->_check_order($_) for sort keys %{$self->{keys}};

    return $self->{found};
}


sub _say {
    my ($self, $kind, $text) = @_;

    push @{$self->{found}{$kind}}, $text;

    return;
}


# A document acknowledged twice, for its first answer was lost, is one.

sub _index {
    my ($self) = @_;

    my (%by_id, %known);

    for my $ack (@{$self->{acknowledged}}) {
        my $first = $by_id{$ack->{id}};

        if ($first) {
            $self->_say(wrong => "$ack->{id}: one id for two documents")
                if $first->{sha256} ne $ack->{sha256};
            next;
        }

        $by_id{$ack->{id}} = $ack;
        $self->_say(wrong => "$ack->{id}: a second id for the same bytes")
            if $known{$ack->{sha256}}++;

        push @{$self->{documents}}, $ack;
        push @{$self->{keys}{$ack->{key}}}, $ack;
    }

    my $n = 0;

    for my $one (@{$self->{arrived}}) {
        $n++;
        push @{$self->{came}{$one->{sha256}}}, $n if $one->{outcome} eq KEPT;
        $self->{refused}{$one->{sha256}} = 1 if $one->{outcome} ne KEPT;
    }

    return;
}


sub _check {
    my ($self, $doc) = @_;

    my $row = $self->{journal}{$doc->{id}};

    if (!$row || $row->{sha256} ne $doc->{sha256}) {
        $self->_say($row ? "wrong" : "lost",
                    "$doc->{id}: the journal " . ($row
                        ? "has other bytes" : "does not know it"));
        return;
    }

    my $came = @{$self->{came}{$doc->{sha256}} || []};
    my $state = $row->{state};

    if (!$settled{$state}) {
        $self->_say(stuck => "$doc->{id}: $state $row->{reason}");

    } elsif ($state =~ /^accepted/ && $came == 0) {
        $self->_say(lost => "$doc->{id}: accepted, and never came");

    } elsif ($state eq "refused" && !$self->{refused}{$doc->{sha256}}) {
        $self->_say(lost => "$doc->{id}: refused by nobody");

    } elsif ($state eq "superseded" && !$self->_has_newer($doc)) {
        $self->_say(lost => "$doc->{id}: superseded by nothing");
    }

    $self->_check_repeats($doc, $row, $came);

    return;
}


sub _has_newer {
    my ($self, $doc) = @_;

    return $self->{keys}{$doc->{key}}[-1] != $doc
           || grep { $_->{key} eq $doc->{key} } @{$self->{unknown}};
}


# Each attempt whose answer could not be read may have been kept, and each
# was followed by one more at most.

sub _check_repeats {
    my ($self, $doc, $row, $came) = @_;

    my $allowed = 1;

    if ($self->{repeat_safe}) {
        $allowed += grep { $unread{$_->[1]} } @{$row->{attempts}};
    }

    $self->_say(repeated => "$doc->{id}: came $came times, $allowed allowed")
        if $came > $allowed;

    return;
}


sub _check_aliens {
    my ($self) = @_;

    my %sent = map { $_->{sha256} => 1 } @{$self->{unknown}},
                                         @{$self->{documents}};

    for my $sha256 (sort keys %{$self->{came}}) {
        $self->_say(alien => "$sha256: nobody sent it") unless $sent{$sha256};
    }

    return;
}


# Of one key: every arrival of an older content is before every one of a
# newer; the newest that is not refused has come, or a newer is on its way
# that nobody acknowledged.

sub _check_order {
    my ($self, $key) = @_;

    my $last = 0;

    for my $doc (@{$self->{keys}{$key}}) {
        my @came = @{$self->{came}{$doc->{sha256}} || []} or next;

        $self->_say(order => "$doc->{id}: came before older content "
                             . "or after newer")
            if $came[0] < $last;

        $last = $came[-1] if $came[-1] > $last;
    }

    my $newest = $self->{keys}{$key}[-1];
    my $row = $self->{journal}{$newest->{id}} or return;

    $self->_say(order => "$newest->{id}: the newest content did not come last")
        if $row->{state} =~ /^accepted/
           && ($self->{came}{$newest->{sha256}} || [0])->[-1] < $last;

    return;
}


1;
