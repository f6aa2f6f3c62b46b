#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# docs/operations.md lists every metric that the code has, with its labels,
# and no other: counters are rows of NGX_HTTP_EHR_COUNTERS, gauges of
# NGX_HTTP_EHR_GAUGES.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Util qw(top slurp);


# The rows of an X macro, each as the list of its strings.

sub rows {
    my ($file, $macro) = @_;

    my $text = slurp(top() . "/ngx_ehr_module/$file");
    my ($table) = $text =~ /^#define \Q$macro\E\(X\)(.*?[^\\])\n/ms
        or die "no $macro in $file";

    my $string = qr/"((?:[^"\\]|\\.)*)"/;
    my @rows;

    $table =~ s/\s*\\\n\s*/ /g;

    while ($table =~ /\bX\(\w+((?:, *$string)+)/g) {
        my $strings = $1;
        push @rows, [ map { s/\\"/"/gr } $strings =~ /$string/g ];
    }

    return @rows;
}


# The rows of the table below a heading: name and labels.

sub documented {
    my ($heading) = @_;

    my $text = slurp(top() . "/docs/operations.md");
    my ($section) = $text =~ /^### \Q$heading\E\n(.*?)(?=^#|\z)/ms
        or die "no $heading in docs/operations.md";

    my @rows;

    for my $line (split(/\n/, $section)) {
        my (undef, $name, $labels) = map { s/^\s+|\s+$//gr }
                                     split(/\|/, $line);

        push @rows, "$1 " . ($labels =~ tr/`//dr)
            if defined $name && $name =~ /^`(ehr_\w+)`$/;
    }

    return @rows;
}


my @counters = rows("ngx_http_ehr.h", "NGX_HTTP_EHR_COUNTERS");
my @gauges = rows("services/ngx_http_ehr_ops.c", "NGX_HTTP_EHR_GAUGES");

cmp_ok(scalar(@counters), ">", 10, "the table of counters is read");
cmp_ok(scalar(@gauges), ">", 3, "the table of gauges is read");

is_deeply([ documented("Counters") ], [ map { "$_->[0] $_->[1]" } @counters ],
          "the counters of the page are those of the code");

is_deeply([ map { s/ .*//r } documented("Gauges") ],
          [ map { $_->[0] } @gauges ],
          "the gauges of the page are those of the code");


# --- names ------------------------------------------------------------------

my %help;

for my $row (@counters) {
    my ($name, $labels, $help) = @$row;

    like($name, qr/^ehr_[a-z_]+_total$/, "$name is named like a counter");
    like($labels, qr/^(?:[a-z]+="[a-z_]+"(?:,(?!$)|$))*$/,
         "$name has constant labels");
    unlike($labels, qr/facility|document|person|patient|card/,
           "$name\{$labels\} names nobody");

    push @{$help{$name}}, $help;
}

for my $name (sort keys %help) {
    my ($first, @others) = @{$help{$name}};

    ok(length $first && !grep({ length } @others),
       "$name is explained once, at its first row");
}

my %seen;
my $last = "";

for my $name (map { $_->[0] } @counters) {
    ok(!$seen{$name}++, "$name stands together") if $name ne $last;
    $last = $name;
}

like($_, qr/^ehr_[a-z_]+(?<!_total)$/, "$_ is named like a gauge")
    for map { $_->[0] } @gauges;

done_testing();
