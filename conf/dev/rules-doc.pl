#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# docs/rules.md from the tables of the validators that were built ("ehrctl
# rules") and from plugins/rules-elsewhere.tsv: rules that fields or
# signatures keep, and rules that nobody keeps, with the reason.
#
#     rules-doc.pl BUILD            prints the page
#     rules-doc.pl BUILD --check    status 1 when docs/rules.md is another

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use JSON::PP ();

binmode STDOUT, ':encoding(UTF-8)';

my $top = dirname(__FILE__) . '/../..';
my ($build, $mode) = @ARGV;

$build or die "usage: $0 BUILD [--check]\n";

my $page = page();

if (($mode // '') eq '--check') {
    exit 0 if $page eq text("$top/docs/rules.md");

    print "docs/rules.md is not what the validators say: make rules-doc\n";
    exit 1;
}

print $page;


sub text {
    my ($path) = @_;

    open my $file, '<:encoding(UTF-8)', $path or return '';
    local $/;

    return scalar <$file>;
}


# Letters, then numbers: M2 before M10.

sub by_id {
    my ($a_letters, $a_number) = $a->{id} =~ /^(\D*)(\d*)/;
    my ($b_letters, $b_number) = $b->{id} =~ /^(\D*)(\d*)/;

    return $a_letters cmp $b_letters
        || ($a_number || 0) <=> ($b_number || 0) || $a->{id} cmp $b->{id};
}


sub plugins {
    my $json = `$build/ehrctl rules --output json --plugins $build/plugins`;
    my %of;

    $? == 0 or die "ehrctl rules failed\n";
    push @{ $of{ $_->{plugin} } }, $_
        for @{ JSON::PP->new->utf8->decode($json) };

    return \%of;
}


sub elsewhere {
    my ($names, @lines) = split /\n/, text("$top/plugins/rules-elsewhere.tsv");
    my @names = split /\t/, $names;
    my @rows;

    for my $line (@lines) {
        my %row;

        @row{@names} = split /\t/, $line, -1;
        push @rows, \%row;
    }

    return @rows;
}


sub table {
    my ($columns, @rows) = @_;

    my $md = '';

    for my $row ($columns, [ ('---') x @$columns ], @rows) {
        $md .= '| ' . join(' | ', map { s/\|/\\|/gr } @$row) . " |\n";
    }

    return "$md\n";
}


sub page {
    my $plugins   = plugins();
    my @elsewhere = elsewhere();

    my $md = <<'END';
# Rules

Generated from the tables of the validators (`make rules-doc`): do not edit.

A finding names its rule. Class S (structure) and C (consistency) refuse the
document, W warns; *warning* beside S or C: the source is not certain, so it
warns; *off*: runs only where a setting asks for it.
`set.rule.ID=error|warning|off` of [ehr_validator](directives.md) changes that
for each rule; `ehrctl validate --set rule.ID=…` tries it.

END

    for my $name (sort keys %$plugins) {
        $md .= "## $name\n\n" . table(
            [ 'Rule', 'Class', 'Unless set', 'Nội dung', 'Says', 'Source' ],
            map { [ @$_{qw(id class severity message_vi message_en source)} ] }
                sort by_id @{ $plugins->{$name} });
    }

    for my $where ([ 'fields', 'In the tables of fields' ],
        [ 'signatures', 'In the check of signatures' ],
        [ 'gateway', 'In the gateway' ], [ 'none', 'Not checked, and why' ])
    {
        my @rows = sort by_id grep { $_->{where} eq $where->[0] } @elsewhere
            or next;

        $md .= "## $where->[1]\n\n"
            . table([ 'Rule', $where->[0] eq 'none' ? 'Reason' : 'Says' ],
                map { [ $_->{id}, $_->{what} ] } @rows);
    }

    $md .= "`T.*` of fields and files: "
        . "[conf/standards](../conf/standards/README.md).\n";

    return $md;
}
