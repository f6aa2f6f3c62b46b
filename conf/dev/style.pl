#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The look of nginx in C sources, where clang-format cannot hold it (aligned
# declarations, tables of macros): prints "file:line: what" for each fault.
#
#     style.pl FILE...

use strict;
use warnings;

use constant MAX_LINES => 100;

my $faults = 0;


sub fault {
    my ($file, $line, $what) = @_;

    print "$file:$line: $what\n";
    $faults++;

    return;
}


# A definition's head stands at column 0 and ends with a "{" of its own.

sub check_functions {
    my ($file, @lines) = @_;

    my ($head, $start);

    for my $i (0 .. $#lines) {
        my $line = $lines[$i];

        if ($line eq "{") {
            $start = $i;
            fault($file, $head + 1, "the return type is on a line of its own")
                if defined $head
                   && $lines[$head] =~ /^(?:static |const |extern )*
                                         \w+[ ]+\**\w+\(/x
                   && $lines[$head] !~ /^\w+\(/;

        } elsif ($line eq "}") {
            fault($file, $start + 1, "a function of "
                  . ($i - $start - 1) . " lines")
                if defined $start && $i - $start - 1 > MAX_LINES
                   && !grep { /^\s*case / } @lines[$start .. $i];
            check_gap($file, $i, @lines);
            undef $start;
            undef $head;

        } elsif ($line =~ /^[a-zA-Z_].*\(/ && $line !~ /^#/) {
            $head = $i;

        } elsif ($line =~ /;$/ && !defined $start) {
            undef $head;
        }
    }

    return;
}


sub check_gap {
    my ($file, $i, @lines) = @_;

    my $next = $i + 1;
    $next++ while $next <= $#lines && $lines[$next] eq "";

    return if $next > $#lines || $lines[$next] =~ /^#/;

    fault($file, $next + 1, "two empty lines between functions")
        if $next - $i != 3;

    return;
}


sub check_lines {
    my ($file, @lines) = @_;

    for my $i (0 .. $#lines) {
        my $line = $lines[$i];

        fault($file, $i + 1, "comments are /* */")
            if $line =~ m{^\s*//};
        fault($file, $i + 1, "an empty line before else")
            if $line =~ /^\s*\} else/ && $lines[$i - 1] ne "";
        fault($file, $i + 1, "if, for, while take a brace")
            if $line =~ /^\s+(?:if|for|while) \(.*\)$/
               && $line !~ /\{/
               && is_balanced($line)
               && ($lines[$i + 1] || "") !~ /^\s*\{/;
        fault($file, $i + 1, "a blank between keyword and (")
            if $line =~ /^\s*(?:if|for|while|switch)\(/;
    }

    return;
}


sub is_balanced {
    my ($line) = @_;

    return ($line =~ tr/(//) == ($line =~ tr/)//);
}


for my $file (@ARGV) {
    open(my $in, "<", $file) or die "$file: $!\n";
    chomp(my @lines = <$in>);

    check_functions($file, @lines);
    check_lines($file, @lines);
}

exit($faults ? 1 : 0);
