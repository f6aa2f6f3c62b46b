#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The verdict of a soak finds what it is there to find: each kind of loss,
# repeat, disorder and standstill, planted one by one into accounts that are
# clean without it.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib", "$Bin/soak";
use EHR::Util qw(build run);
use Soak::Ledger;
use Soak::Verdict;


# Two keys: "a" with three contents, the second superseded, the third sent
# twice for an answer was lost; "b" refused by the partner.

sub accounts {
    return (
        acknowledged => [
            { id => "a1", key => "a", sha256 => "1" },
            { id => "b1", key => "b", sha256 => "4" },
            { id => "a2", key => "a", sha256 => "2" },
            { id => "a3", key => "a", sha256 => "3" },
        ],
        unknown => [],
        arrived => [
            { sha256 => "1", outcome => "200" },
            { sha256 => "4", outcome => "123" },
            { sha256 => "3", outcome => "200" },
            { sha256 => "3", outcome => "200" },
        ],
        journal => {
            a1 => row("1", "accepted"),
            a2 => row("2", "superseded"),
            a3 => row("3", "accepted", [ "retrying", "partner.no-answer" ]),
            b1 => row("4", "refused"),
        },
        repeat_safe => 1,
    );
}


sub row {
    my ($sha256, $state, @attempts) = @_;

    return { sha256 => $sha256, state => $state, reason => "-",
             attempts => \@attempts };
}


# What is planted, what is found for it, and nothing else.

sub finds {
    my ($what, $change, %expected) = @_;

    my %accounts = accounts();

    $change->(\%accounts);

    my $verdict = Soak::Verdict::judge(%accounts);
    my %found = map { $_ => scalar(@{$verdict->{$_}}) }
                grep { @{$verdict->{$_}} } Soak::Verdict::kinds();

    is_deeply(\%found, \%expected, $what)
        or diag(explain($verdict));
    is(Soak::Verdict::clean($verdict) ? 1 : 0, %expected ? 0 : 1,
       %expected ? "$what: not clean" : "$what: clean");

    return;
}


sub without {
    my ($list, $sha256) = @_;

    return [ grep { $_->{sha256} ne $sha256 } @$list ];
}


finds("nothing planted", sub {});

finds("the last content acknowledged twice, for its answer was lost", sub {
    push @{$_[0]{acknowledged}}, { id => "a3", key => "a", sha256 => "3" };
});

# --- lost -------------------------------------------------------------------

finds("accepted by the partner, who never got it", sub {
    $_[0]{arrived} = without($_[0]{arrived}, "1");
}, lost => 1);

finds("acknowledged, and not in the journal", sub {
    delete $_[0]{journal}{a1};
}, lost => 1);

finds("superseded, and nothing newer was acknowledged", sub {
    $_[0]{journal}{b1}{state} = "superseded";
}, lost => 1);

finds("superseded by content whose answer never came", sub {
    $_[0]{journal}{b1}{state} = "superseded";
    push @{$_[0]{unknown}}, { key => "b", sha256 => "5" };
});

finds("refused, and the partner knows nothing of it", sub {
    $_[0]{arrived} = without($_[0]{arrived}, "4");
}, lost => 1);

# --- repeated ---------------------------------------------------------------

finds("once more than answers were lost", sub {
    push @{$_[0]{arrived}}, { sha256 => "3", outcome => "200" };
}, repeated => 1);

finds("a repeat though the answer was readable", sub {
    splice(@{$_[0]{arrived}}, 1, 0, { sha256 => "1", outcome => "200" });
}, repeated => 1);

finds("a repeat after an attempt that the partner certainly did not keep",
      sub {
    $_[0]{journal}{a3}{attempts} = [ [ "retrying", "partner.unavailable" ] ];
}, repeated => 1);

finds("a repeat at a partner where none is safe", sub {
    $_[0]{repeat_safe} = 0;
}, repeated => 1);

# --- stuck ------------------------------------------------------------------

for my $state (qw(pending sending retrying held uncertain)) {
    finds("still $state when all is calm", sub {
        $_[0]{journal}{a3}{state} = $state;
    }, stuck => 1);
}

# --- order ------------------------------------------------------------------

finds("older content after newer", sub {
    my $arrived = $_[0]{arrived};
    push @$arrived, shift @$arrived;
}, order => 2);

finds("a repeat of older content after newer", sub {
    push @{$_[0]{arrived}}, { sha256 => "1", outcome => "200" };
    push @{$_[0]{journal}{a1}{attempts}}, [ "retrying", "worker.lost" ];
}, order => 2);

finds("the superseded content, between the two", sub {
    splice(@{$_[0]{arrived}}, 2, 0, { sha256 => "2", outcome => "200" });
});

# --- alien and wrong --------------------------------------------------------

finds("content that nobody sent", sub {
    push @{$_[0]{arrived}}, { sha256 => "9", outcome => "200" };
}, alien => 1);

finds("content that was sent and never answered", sub {
    push @{$_[0]{arrived}}, { sha256 => "9", outcome => "200" };
    push @{$_[0]{unknown}}, { key => "c", sha256 => "9" };
});

finds("one id for two documents", sub {
    push @{$_[0]{acknowledged}}, { id => "a1", key => "a", sha256 => "7" };
}, wrong => 1);

finds("two ids for the same bytes", sub {
    push @{$_[0]{acknowledged}}, { id => "b2", key => "b", sha256 => "4" };
    $_[0]{journal}{b2} = row("4", "refused");
}, wrong => 1);

finds("other bytes in the journal", sub {
    $_[0]{journal}{a1}{sha256} = "8";
}, wrong => 1);


# --- the ledger on disk -----------------------------------------------------

my $path = build() . "/t/soak-ledger.$$";
my $ledger = Soak::Ledger->new($path);

$ledger->acknowledged("id", "key", "s1");
$ledger->unknown("key", "s2");
$ledger->arrived(12, "s1", "200");
$ledger->arrived(9, "s2", "123");

is_deeply([ Soak::Ledger::read($path) ],
          [ [ { id => "id", key => "key", sha256 => "s1" } ],
            [ { key => "key", sha256 => "s2" } ],
            [ { outcome => "123", sha256 => "s2", number => 9 },
              { outcome => "200", sha256 => "s1", number => 12 } ] ],
          "what was written is read, arrivals in the order of their numbers");
unlink $path;

done_testing();
