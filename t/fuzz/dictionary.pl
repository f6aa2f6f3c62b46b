#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Words for libFuzzer, out of the field tables of conf/standards: elements for
# XML, members for JSON, codes for both.
#
#     dictionary.pl xml|json FOLDER-OF-STANDARDS > words.dict

use strict;
use warnings;

my ($form, $folder) = @ARGV;
die "usage: $0 xml|json FOLDER\n"
    unless defined $folder && $form =~ /^(?:xml|json)$/;

my %words;

# Rows of a table as hashes by the names of its first line.

sub rows {
    my ($path) = @_;

    open(my $in, "<", $path) or die "$path: $!\n";
    chomp(my $head = <$in>);
    my @names = split(/\t/, $head);
    my @rows;

    while (my $line = <$in>) {
        chomp $line;
        my %row;
        @row{@names} = split(/\t/, $line);
        push @rows, \%row;
    }

    return @rows;
}

sub name {
    my ($name) = @_;

    return if !defined $name || $name eq "-" || $name eq "";
    $name =~ s{.*/}{};
    $words{$form eq "xml" ? "<$name>" : "\"$name\":"} = 1;
    $words{"</$name>"} = 1 if $form eq "xml";
}

for my $row (rows("$folder/sections.tsv")) {
    name($row->{$_}) for qw(root list row);
    $words{$row->{section}} = 1;
}

for my $path (glob("$folder/*/*.tsv")) {
    for my $row (rows($path)) {
        my $codes = $row->{codes};

        name($row->{field});
        next if !defined $codes || $codes eq "-";
        $words{$_} = 1 for split(" ", $codes);
    }
}

if ($form eq "xml") {
    $words{$_} = 1 for "<![CDATA[", "]]>", "<!--", "-->", "<?xml ", "?>",
        "&amp;", "&#10;", "&#x110000;", " xmlns=\"", "\x{EF}\x{BB}\x{BF}",
        " Id=\"", " URI=\"\"", " Algorithm=\"",
        "http://www.w3.org/2000/09/xmldsig#",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

} else {
    $words{$_} = 1 for "{", "}", "[", "]", "null", "true", "\\u0000",
        "\\ud800", "1e999", "-0.0", "\"SIGNDATA\":";
}

for my $word (sort keys %words) {
    next if length($word) > 60;
    $word =~ s/([^ !#-\[\]-~])/sprintf("\\x%02X", ord($1))/ge;
    print "\"$word\"\n";
}
