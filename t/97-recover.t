#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The steps of administration.md for a damaged journal, word for word, on a
# journal whose pages are noise: what can be read is kept, every document that
# is there has its delivery again, and the gateway's own code goes on with it.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Fault qw(journal);
use EHR::Util qw(build slurp);

use constant { ROWS => 2000, PAGE => 4096, LEAF_INDEX => 10, LEAF => 13 };

plan skip_all => "no sqlite3" if system("command -v sqlite3 > /dev/null");

my $dir = build() . "/t/run/97-recover.$$";
my $docs = "$Bin/../docs";

END { remove_tree($dir) if defined $dir && Test::More->builder->is_passing }


sub ask {
    my ($name, $sql) = @_;

    my $said = `sqlite3 $dir/$name "$sql" 2>&1`;
    chomp $said;
    return $said;
}


# A leaf of a table or an index, not the first one.

sub leaf_of {
    my ($file, $page) = @_;

    for (1 .. 8) {
        sysseek $file, ($page - 1) * PAGE, 0;
        sysread $file, my $bytes, PAGE;

        my ($type, $n) = unpack "Cx2n", $bytes;
        return $page if $type == LEAF || $type == LEAF_INDEX;

        my $nth = $n > 3 ? 3 : $n - 1;
        my $cell = unpack "n", substr $bytes, 12 + 2 * $nth, 2;
        $page = unpack "N", substr $bytes, $cell, 4;
    }

    die "no leaf";
}


sub damage {
    my @names = @_;

    my @roots = map {
        ask("copy.sqlite", "SELECT rootpage FROM sqlite_schema"
                           . " WHERE name = '$_'")
    } @names;

    open my $file, "+<", "$dir/copy.sqlite" or die $!;

    for my $root (@roots) {
        my $page = leaf_of($file, $root);
        sysseek $file, ($page - 1) * PAGE, 0;
        syswrite $file, "\x{a5}" x PAGE;
    }

    close $file or die $!;
    return;
}


# The block of step 4, run where copy.sqlite lies.

sub recover {
    my ($block) = slurp("$docs/administration.md")
                  =~ /^4\. .*?^   ```\n(.*?)^   ```/ms;

    $block =~ s{docs/recover\.sql}{$docs/recover.sql};

    open my $script, ">", "$dir/step4" or die $!;
    print $script $block;
    close $script or die $!;

    my $said = `cd $dir && rm -f new.sqlite && sh ./step4 2>&1`;
    return $said;
}


make_path($dir);
my ($status, $said) = journal("fill", "$dir/seed.sqlite", ROWS);
is($status, 0, "a journal") or diag($said);

for my $case (
    [ "indexes", qw(deliveries_order deliveries_state submissions_bytes) ],
    [ "deliveries", qw(deliveries attempts) ],
    [ "everything", qw(submissions contents deliveries attempts history) ],
) {
    my ($name, @damaged) = @$case;

    system("cp", "$dir/seed.sqlite", "$dir/copy.sqlite") == 0 or die;
    damage(@damaged);

    isnt(ask("copy.sqlite", "PRAGMA integrity_check"), "ok",
         "$name: damaged");
    is(recover(), "ok\n", "$name: the steps of the page end well");

    my $left = ask("new.sqlite", "SELECT count(*) FROM submissions");

    if ($name eq "everything") {
        cmp_ok($left, ">", ROWS * 0.8, "$name: most documents are there");
        cmp_ok($left, "<", ROWS, "$name: and some are lost");

    } else {
        is($left, ROWS, "$name: every document is there");
        is(ask("new.sqlite", "SELECT count(*) FROM submissions WHERE seq NOT"
                             . " IN (SELECT seq FROM deliveries)"), 0,
           "$name: with its delivery");
    }

    is(ask("new.sqlite", "SELECT count(*) FROM deliveries WHERE reason ="
                         . " 'journal.recovered' AND state NOT IN ('held',"
                         . " 'accepted', 'accepted_with_message', 'refused',"
                         . " 'superseded')"), 0,
       "$name: nothing is sent again that nobody looked at");

    ($status, $said) = journal("write", "$dir/new.sqlite", 9, 6);
    is($status, 0, "$name: the gateway goes on with it") or diag($said);
}

done_testing();
